"""The places of the demo town all over the world, and the shops in them.

All people, firms and streets are invented.
"""

from collections.abc import Sequence
from typing import NamedTuple

# ruff: noqa: RUF001  every name is written as its bearer writes it


class DemoPlace(NamedTuple):
    """Where shops and their customers are. `given` and `family`: words to make names of."""

    zone: str
    town: str
    lat: float
    lon: float
    currency: str
    street: str
    given: str
    family: str
    family_first: bool = False


class DemoShop(NamedTuple):
    """An owner's shop. `chairs`: the names of its providers, if there are several."""

    name: str
    trade: str
    place: str
    hours: str
    chairs: Sequence[str] = ()


# fmt: off
PLACES: dict[str, DemoPlace] = {
    "lisboa": DemoPlace(
        "Europe/Lisbon", "Vila Serena", 38.71, -9.16, "EUR", "Rua das Andorinhas",
        "Inês Tomás Beatriz Duarte Leonor Simão",
        "Valadares Quaresma Lourinho Sequeira Falcão",
    ),
    "madrid": DemoPlace(
        "Europe/Madrid", "Almendral del Río", 40.38, -3.71, "EUR", "Calle del Membrillo",
        "Lucía Íñigo Nuria Óscar Begoña Fermín",
        "Peñalba Ibáñez Cifuentes Arroyuelo Quintanar",
    ),
    "paris": DemoPlace(
        "Europe/Paris", "Saint-Aubépin", 48.83, 2.27, "EUR", "rue des Tonneliers",
        "Maëlle Théo Anaïs Loïc Zoé Gaël",
        "Brûlard Chantereine Lefébure N’Diaye Œillet",
    ),
    "berlin": DemoPlace(
        "Europe/Berlin", "Lindenwerder", 52.49, 13.36, "EUR", "Müllergasse",
        "Jörg Käthe Thilo Änne Meral Björn",
        "Groß Süßkind Weißhaupt Yıldırım Kröger",
    ),
    "dublin": DemoPlace(
        "Europe/Dublin", "Ballinacarrig", 53.35, -6.28, "EUR", "Heron Lane",
        "Aoife Ciarán Niamh Oisín Gráinne Fionn",
        "Ó_Dálaigh MacTiernan Nic_Aodha Brannigan Ní_Riain",
    ),
    "london": DemoPlace(
        "Europe/London", "Wexcombe", 51.52, -0.08, "GBP", "Saddler’s Row",
        "Imogen Kwame Harriet Rohan Gwen Tunde",
        "Thistlewood Achebe-Lane Pemberly Sandhu Oakshott",
    ),
    "izmir": DemoPlace(
        "Europe/Istanbul", "Çamlıkaya", 41.02, 28.95, "TRY", "Incirli Sokağı",
        "Ayşegül İlker Şebnem Oğuz Gülşen Çağrı",
        "Karadağlı Özçelik Işıklı Tunçer Güneşli",
    ),
    "athens": DemoPlace(
        "Europe/Athens", "Νέα Ανεμώνη", 37.98, 23.72, "EUR", "Οδός Κυκλάμινου",
        "Ελένη Στάθης Μυρτώ Λευτέρης Δανάη Ορέστης",
        "Καλογιάννη Βαμβακάς Θεοτόκη Ξενάκης Ροδίτη",
    ),
    "akureyri": DemoPlace(
        "Atlantic/Reykjavik", "Hvítárvík", 64.14, -21.92, "ISK", "Lóustígur",
        "Þórunn Ásgeir Guðný Örn Sæunn Birkir",
        "Eyjólfsdóttir Hauksson Ýmisdóttir Þorláksson Ægisson",
    ),
    "lagos": DemoPlace(
        "Africa/Lagos", "Oke Ayọ̀", 6.46, 3.39, "NGN", "Palm Kernel Street",
        "Ṣadé Chinedu Fọlákẹ́ Emeka Ngozi Babátúndé",
        "Adéyẹmí Okonjo-Udo Balógun Ezeani Ọládàpọ̀",
    ),
    "cape": DemoPlace(
        "Africa/Johannesburg", "Kransduin", -33.94, 18.46, "ZAR", "Blombosweg",
        "Thandeka Pieter Nomvula Renée Sipho Zaid",
        "Mthembeni Van_Wykman Dlaminana Esterhuys Jappie",
    ),
    "kuwait": DemoPlace(
        "Asia/Kuwait", "حي النخيل", 29.36, 47.97, "KWD", "شارع اللؤلؤ",
        "نورة فيصل دلال يوسف شيخة سالم",
        "المرزوقي الياسمين العوضاني البحيري الفنار",
    ),
    "pune": DemoPlace(
        "Asia/Kolkata", "Amrutwadi", 18.52, 73.85, "INR", "Gulmohar Path",
        "Ananya देवेश Ishaan मीरा Kavya Farhan",
        "Deshmukhkar कुलकर्णे Iyerson Sheikhani Bhonslekar",
    ),
    "kandy": DemoPlace(
        "Asia/Colombo", "Nelumgama", 7.29, 80.63, "LKR", "Temple Pond Road",
        "Dilini Ruwan තරුෂි Kasun Nadeesha Arjun",
        "Wijesundarage Perumala සමරනායක Fonsekage Rajadurai",
    ),
    "pokhara": DemoPlace(
        "Asia/Kathmandu", "Phulbari Tole", 27.70, 85.32, "NPR", "Lali Gurans Marg",
        "Sunita प्रकाश Asmita Tenzin Binod Maya",
        "Gurungseni शाक्यमुनि Thapaliya Lamapa Raiko",
    ),
    "osaka": DemoPlace(
        "Asia/Tokyo", "桜ヶ浜", 34.69, 135.50, "JPY", "すずめ通り",
        "結衣 悠真 さくら 陸斗 美咲 健人",
        "佐倉井 高梨田 渡良瀬 小鳥遊 藤波",
        family_first=True,
    ),
    "busan": DemoPlace(
        "Asia/Seoul", "달빛마을", 35.18, 129.07, "KRW", "은행나무길",
        "서연 도현 지우 하준 유나 민재",
        "남궁 독고 황보 선우 제갈",
        family_first=True,
    ),
    "howe": DemoPlace(
        "Australia/Lord_Howe", "Kentia Bay", -31.55, 159.08, "AUD", "Mutton Bird Track",
        "Bronte Lachie Tahlia Angus Merindah Col",
        "Thompsett Wilsonby Nicholls-Hay Dignammer Fitzroyal",
    ),
    "adelaide": DemoPlace(
        "Australia/Adelaide", "Quandong Flat", -34.93, 138.60, "AUD", "Currawong Crescent",
        "Matilda Minh Jarrah Sofia Heath Priya",
        "Brocksby Nguyễn-Hall Koolmatrix Papadimos O’Shanassy",
    ),
    "auckland": DemoPlace(
        "Pacific/Auckland", "Pūriri Point", -36.85, 174.76, "NZD", "Fantail Rise",
        "Aroha Wiremu Māia Tāne Isla Sione",
        "Ngātairua Hēnare-Fox Kahukiwi Tupou’ila McIvory",
    ),
    "chatham": DemoPlace(
        "Pacific/Chatham", "Te Whangaroa Cove", -43.95, -176.56, "NZD", "Albatross Road",
        "Kiri Hūhana Rāwiri Marama Dougal Ana",
        "Solomonson Preecely Tuanui-Grey Whaitiri Dayman",
    ),
    "marquesas": DemoPlace(
        "Pacific/Marquesas", "Hakamoui", -8.91, -140.10, "XPF", "Chemin des Frangipaniers",
        "Heimata Teiki Vaiana Tahia Manutea Moeani",
        "Taupotiki Kaiha-Uki Teikitoua Hokaupoko Puhetia",
    ),
    "bahia": DemoPlace(
        "America/Sao_Paulo", "São Cipó da Praia", -23.55, -46.63, "BRL", "Travessa do Beija-Flor",
        "Iara João Conceição Caetano Luíza Davi",
        "Aragão Bragança Nóbrega Assunção Murici",
    ),
    "santiago": DemoPlace(
        "America/Santiago", "Quebrada Clara", -33.45, -70.66, "CLP", "Pasaje Los Copihues",
        "Antonia Nahuel Millaray Cristóbal Rayén Benjamín",
        "Huenchulaf Errázola Ñancupil Undurrara Curín",
    ),
    "oaxaca": DemoPlace(
        "America/Mexico_City", "Santa Jacaranda", 19.41, -99.17, "MXN", "Callejón del Colibrí",
        "Xóchitl Joaquín Citlali Ulises Jimena Iker",
        "Zepedaña Cuauhtle Ordóñez-Paz Villagrana Tlatoani",
    ),
    "harbour": DemoPlace(
        "America/St_Johns", "Capelin Harbour", 47.56, -52.71, "CAD", "Puffin Hill",
        "Maude Leander Bridie Cyril Étienne Hazel",
        "Pennywell Crockerby Benoît Squireson Noftall-Roe",
    ),
    "brooklyn": DemoPlace(
        "America/New_York", "Fallow Heights", 40.68, -73.97, "USD", "Larkspur Avenue",
        "Zora Mateo Shira Deshawn Hye-jin Wyatt",
        "Applewhite Del_Bosque Rosenkranzer Kim-Ortiz Vanterpool",
    ),
    "hilo": DemoPlace(
        "Pacific/Honolulu", "Hale Maluhia", 19.72, -155.08, "USD", "ʻŌhiʻa Street",
        "Keaʻlani Kai Mālia Noelani Kenji Leilani",
        "Kahananui-Ray Nakasoneda ʻAukai Silvanio Keliʻikai",
    ),
}
# fmt: on

# The first one is shown to newcomers: keep it a simple haircut.
SHOPS = (
    DemoShop("Salão Maré", "hair", "lisboa", "siesta", ("Leonor", "Duarte", "Inês")),
    DemoShop("Clínica Dental Membrillo", "dentist", "madrid", "practice", ("Dra. Ibáñez", "Dr. Cifuentes")),
    DemoShop("Academia Vuelta y Llave", "driving", "madrid", "siesta"),
    DemoShop("L’Atelier d’Anaïs", "tattoo", "paris", "studio", ("Anaïs", "Loïc")),
    DemoShop("Étude Chantereine", "notary", "paris", "office"),
    DemoShop("Klavier & Bogen", "music", "berlin", "lessons"),
    DemoShop("Kfz-Werkstatt Süßkind", "garage", "berlin", "workshop", ("Bühne 1", "Bühne 2")),
    DemoShop("Heron Lane Physiotherapy", "physio", "dublin", "practice"),
    DemoShop("Thistlewood Opticians", "optician", "london", "shop"),
    DemoShop("The Midnight Vet", "night-vet", "london", "night"),
    DemoShop("Berber Oğuz", "barber", "izmir", "shop", ("Oğuz", "İlker")),
    DemoShop("Οπτικά Ξενάκης", "optician", "athens", "siesta"),
    DemoShop("Dýralæknir Þórunn", "vet", "akureyri", "practice"),
    DemoShop("Adéyẹmí Hair Lounge", "hair", "lagos", "shop"),
    DemoShop("Blombos Yoga", "yoga", "cape", "classes"),
    DemoShop("عيادة العوضاني للأسنان", "dentist", "kuwait", "sunday first"),
    DemoShop("Prana Mandal", "yoga", "pune", "classes"),
    DemoShop("Iyerson Tax & Accounts", "tax", "pune", "office"),
    DemoShop("Nelum Language House", "language", "kandy", "lessons"),
    DemoShop("Tenzin Cycles", "bicycle", "pokhara", "six days"),
    DemoShop("美容室すずめ", "hair", "osaka", "shop"),
    DemoShop("夜間どうぶつ病院", "night-vet", "osaka", "night"),
    DemoShop("달빛 피아노", "music", "busan", "lessons"),
    DemoShop("Kentia Massage", "massage", "howe", "shop"),
    DemoShop("Currawong Physio", "physio", "adelaide", "practice"),
    DemoShop("Fantail Midwives", "midwife", "auckland", "office"),
    DemoShop("Cove Garage", "garage", "chatham", "workshop"),
    DemoShop("Terre et Tiki", "pottery", "marquesas", "shop"),
    DemoShop("Barbearia Murici", "barber", "bahia", "shop"),
    DemoShop("Kinesiología Rayén", "physio", "santiago", "practice"),
    DemoShop("Foto Colibrí", "photo", "oaxaca", "studio"),
    DemoShop("Puffin Hill Pets", "vet", "harbour", "workshop"),
    DemoShop("Larkspur Ink", "tattoo", "brooklyn", "studio"),
    DemoShop("Aloha Clay", "pottery", "hilo", "studio"),
)
