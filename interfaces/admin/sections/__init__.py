"""Sections: each shows one kind of thing as a list and as cards, with the forms that change it."""
