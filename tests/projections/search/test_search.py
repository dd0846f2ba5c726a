"""Who is found? Events in, answers out."""

from uuid import uuid4

import pytest

from projections.query.paging import Page
from projections.search.geo import Point
from projections.search.search import SearchQuery, Sort, find_providers, find_services
from tests.projections.story import NOW, a_provider, a_service

ALL = Page(limit=50)
PARIS, LOUVRE, VERSAILLES = Point(48.8566, 2.3522), Point(48.8606, 2.3376), Point(48.8049, 2.1204)


def at_place(place: Point) -> dict[str, object]:
    return {"location": {"lat": place.lat, "lon": place.lon}}


@pytest.fixture
def names(look):
    """The names of the providers that are found."""

    async def names(service_id=None, **asked):
        async with look("directory") as read:
            found, _ = await find_providers(read, ALL, SearchQuery(now=NOW, **asked), service_id=service_id)
            return [each.details["name"] for each in found]

    return names


@pytest.fixture
def service_names(look):
    """The names of the services that are found."""

    async def names(provider_id=None, **asked):
        async with look("directory") as read:
            found, _ = await find_services(read, ALL, SearchQuery(now=NOW, **asked), provider_id=provider_id)
            return [each.terms["name"] for each in found]

    return names


async def test_providers_are_found_by_tag_service_organization_and_name(write, catch_up, names):
    organization = uuid4()
    ada = a_provider("Ada", tags=["hair", "nails"])
    bob = a_provider("Bob", organization_id=str(organization))
    cut, gone = a_service(ada), a_service(bob)
    gone.withdraw(uuid4(), NOW)
    await write(bob, ada, cut, gone)
    await catch_up()
    assert await names() == ["Ada", "Bob"]
    assert await names(tag="nails") == ["Ada"]
    assert await names(tag="nail") == []
    assert await names(service_id=cut.id) == ["Ada"]
    assert await names(service_id=gone.id) == []
    assert await names(organization_id=organization) == ["Bob"]
    assert await names(q="b") == ["Bob"]
    assert await names(q="AD") == ["Ada"]
    assert await names(q="%") == []
    assert await names(q="_") == []
    assert await names(tag="nails", organization_id=organization) == []


async def test_services_are_found_by_tag_provider_organization_and_name(write, catch_up, service_names):
    ada, bob, organization = a_provider(), a_provider(), uuid4()
    cut = a_service(ada, name="Cut", tags=["hair"])
    dye = a_service(ada, bob, name="Dye and dry", organization_id=str(organization))
    await write(ada, bob, dye, cut)
    await catch_up()
    assert await service_names() == ["Cut", "Dye and dry"]
    assert await service_names(tag="hair") == ["Cut"]
    assert await service_names(provider_id=ada.id) == ["Cut", "Dye and dry"]
    assert await service_names(provider_id=bob.id) == ["Dye and dry"]
    assert await service_names(organization_id=organization) == ["Dye and dry"]
    assert await service_names(q="y") == ["Dye and dry"]
    assert await service_names(q="dry dye") == ["Dye and dry"]
    assert await service_names(q="dry cut") == []


class TestWords:
    async def test_every_word_is_in_what_a_provider_tells_or_in_the_name_of_one_service(self, write, catch_up, names):
        ada = a_provider("Ada", bio="Cuts beards.", address="1 Rue de Rivoli")
        bob = a_provider("Bob", bio="Dyes.", address="2 Rue de Rivoli")
        gone = a_service(bob, name="Massage")
        gone.withdraw(uuid4(), NOW)
        await write(ada, bob, gone, a_service(ada, bob, name="Haircut"), a_service(bob, name="Manicure"))
        await catch_up()
        assert await names(q="rivoli") == ["Ada", "Bob"]
        assert await names(q="rivoli beard") == ["Ada"]
        assert await names(q="  haircut  RIVOLI ") == ["Ada", "Bob"]
        assert await names(q="manicure 2") == ["Bob"]
        assert await names(q="manicure beard") == []
        assert await names(q="massage") == []

    async def test_nothing_is_found_across_two_fields(self, write, catch_up, names):
        await write(a_provider("Ada", bio="Xavier", address="Yonne"))
        await catch_up()
        assert await names(q="adax") == []
        assert await names(q="xavieryonne") == []

    @pytest.mark.parametrize(
        ("name", "found", "not_found"),
        [
            ("ÉLODIE Groß", ["élodie", "elodie", "GROSS", "groß", "E\u0301lodie"], ["elodia"]),
            ("Zażółć Ćma", ["zażółć", "zazołc cma"], ["zazolc x"]),
            ("Ελένη", ["ελενη", "ΕΛΈΝΗ"], ["ελινη"]),
            ("Алёна", ["алена", "АЛЁНА"], ["алина"]),
            ("İpek", ["ipek", "İPEK"], ["opek"]),
            ("がくえん", ["がく"], ["かく"]),
            ("서울 미용실", ["서울", "미용실 서울"], ["부산"]),
            ("\ufb01ne \uff28\uff41\uff49\uff52", ["fine hair"], ["fine hare"]),
            ("संगीता", ["संगीता"], ["सगत"]),
            ("100% _x_ \\", ["100%", "_x_", "\\"], ["%1", "xx"]),
        ],
    )
    async def test_case_and_accents_of_any_alphabet_do_not_matter(self, write, catch_up, names, name, found, not_found):
        await write(a_provider(name), a_provider("Nobody"))
        await catch_up()
        for q in found:
            assert await names(q=q) == [name], q
        for q in not_found:
            assert await names(q=q) == [], q


class TestPlace:
    async def test_only_what_is_near_is_found_the_nearest_first_with_its_distance(self, write, catch_up, look, names):
        await write(
            a_provider("Versailles", **at_place(VERSAILLES)),
            a_provider("Louvre", **at_place(LOUVRE)),
            a_provider("Nowhere"),
        )
        await catch_up()
        assert await names(near=PARIS) == ["Louvre"]
        assert await names(near=PARIS, within=25) == ["Louvre", "Versailles"]
        assert await names(near=VERSAILLES, within=25, sort=Sort.DISTANCE) == ["Versailles", "Louvre"]
        async with look("directory") as read:
            found, _ = await find_providers(read, ALL, SearchQuery(now=NOW, near=PARIS, within=25))
        assert [each.metres for each in found] == [1157, 17915]

    @pytest.mark.parametrize(
        ("center", "there", "away"),
        [
            (Point(0, 179.9), Point(0, -179.9), 22.239),
            (Point(-16.5, -179.99), Point(-16.5, 179.99), 2.133),
            (Point(0, 180), Point(0, -180), 0),
            (Point(89.99, 0), Point(89.99, 180), 2.224),
            (Point(90, 17), Point(89.95, -120), 5.56),
            (Point(-90, 0), Point(-89.95, 33), 5.56),
            (Point(89.95, 10), Point(90, 0), 5.56),
        ],
    )
    async def test_neither_the_date_line_nor_a_pole_is_an_edge(self, write, catch_up, look, names, center, there, away):
        await write(a_provider("There", **at_place(there)))
        await catch_up()
        async with look("directory") as read:
            (found,), _ = await find_providers(read, ALL, SearchQuery(now=NOW, near=center, within=25))
        assert found.metres / 1000 == pytest.approx(away, abs=0.001)
        if away:
            assert await names(near=center, within=away - 0.01) == []

    async def test_a_service_is_as_near_as_the_nearest_of_its_providers(self, write, catch_up, look, service_names):
        near, far = a_provider(**at_place(LOUVRE)), a_provider(**at_place(VERSAILLES))
        gone = a_provider(**at_place(PARIS))
        gone.deactivate(uuid4(), NOW)
        everywhere, away = a_service(near, far, gone, name="Everywhere"), a_service(far, name="Away")
        await write(near, far, gone, everywhere, away, a_service(gone, name="Gone"))
        await catch_up()
        assert await service_names(near=PARIS) == ["Everywhere"]
        assert await service_names(near=LOUVRE, within=25, sort=Sort.DISTANCE) == ["Everywhere", "Away"]
        async with look("directory") as read:
            (found,), _ = await find_services(read, ALL, SearchQuery(now=NOW, near=PARIS))
        assert found.metres == 1157


class TestOrder:
    async def test_pages_follow_one_another_by_name(self, write, catch_up, look):
        await write(*(a_provider(f"P{n % 3}") for n in range(7)))
        await catch_up()
        names = [each.details["name"] for each in await in_pages(look, find_providers, 4)]
        assert names == ["P0", "P0", "P0", "P1", "P1", "P2", "P2"]

    async def test_pages_follow_one_another_by_distance_those_equally_far_too(self, write, catch_up, look):
        places = [Point(48.8566 + n // 3 / 100, 2.3522) for n in range(9)]
        await write(*(a_provider(**at_place(place)) for place in places))
        await catch_up()
        asked = {"near": PARIS, "within": 50, "sort": Sort.DISTANCE}
        metres = [each.metres for each in await in_pages(look, find_providers, 2, **asked)]
        assert metres == sorted(metres)
        assert (len(metres), len(set(metres))) == (9, 3)

    async def test_services_go_by_price_then_name(self, write, catch_up, look):
        ada = a_provider()
        priced = [("B", 3), ("A", 20), ("A", 3), ("C", 1)]
        await write(ada, *(a_service(ada, name=name, price=price) for name, price in priced))
        await catch_up()
        found = await in_pages(look, find_services, 1, sort=Sort.PRICE)
        assert [(each.terms["name"], each.terms["price"]) for each in found] == [
            ("C", 1),
            ("A", 3),
            ("B", 3),
            ("A", 20),
        ]


async def in_pages(look, find, limit, **asked):
    """All that is found, so many at a time: each once."""
    found, after = [], None
    while True:
        async with look("directory") as read:
            some, after = await find(read, Page(limit, after), SearchQuery(now=NOW, **asked))
        found += some
        if after is None:
            assert len({each.id for each in found}) == len(found)
            return found
