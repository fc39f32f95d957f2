"""The words that names and places of the town are made of."""

from __future__ import annotations

import unicodedata


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


FIRST = _words(
    "Ada, Amélie, Anaïs, Andrés, Anouk, Ayşe, Béla, Björn, Chloé, Dalia, Émile, Farid, Gaëlle, Hana, "
    "Ibrahim, Inês, Iván, Jürgen, Kofi, Leïla, Linh, Lucía, Malte, Marek, Mbali, Minh, Nadia, Noé, Olga, "
    "Per, Priya, Quentin, Rósa, Ruben, Salomé, Sándor, Siobhán, Sofía, Tariq, Teo, Uma, Veronika, Wanda, "
    "Xavier, Yara, Yuki, Zoë, Žofia"
)
LAST = _words(
    "Abara, Álvarez, Bakker, Baumgärtner, Bello, Bíró, Çelik, Chowdhury, D'Amato, Dvořák, Eriksson, "
    "Faßbender, Fernández, Gómez, Göransson, Hernádi, Ito, Ivanova, Jansen, Kaya, Kovač, L'Écuyer, "
    "Lindqvist, Mbele-Roux, McAllister, Müller, Nguyễn, Novák, Núñez, O'Neill, O'Shea, Okafor, Öztürk, "
    "Papadaki, Quist, Rossi, Schröder, Šimek, Silva, Tan, Ueda, van der Berg, Varga, Weiß, Yilmaz, "
    "Zając, Zhang, Zúñiga"
)
STREETS = _words(
    "Acacia Avenue, Am Alten Brunnen, Birkenweg, Bridge Street, Canal Walk, Chestnut Row, Dahlienstraße, "
    "Elm Court, Foundry Lane, Gartenstraße, Harbor Street, Hof »Zur Linde«, Kirschallee, Lantern Hill, "
    "Mill Road, Nightingale Way, Obere Gasse, Paseo del Río, Queen's Yard, Rue de l'Église, "
    'Station Road, The "Old" Wharf, Ulica Długa, Windmühlenweg'
)
DISTRICTS = _words("Center, Harbor, Mill Quarter, Northgate, Old Town, Riverside, South Hill, Westfield")
_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "ı": "i", "ø": "o"})


def plain(word: str) -> str:
    """A word as the local part of an e-mail address spells it.

    Examples
    --------
    >>> plain("L'Écuyer"), plain("van der Berg"), plain("Weiß")
    ('lecuyer', 'vanderberg', 'weiss')
    """
    letters = unicodedata.normalize("NFKD", word.lower().translate(_LETTERS))
    return "".join(letter for letter in letters if letter.isascii() and letter.isalpha())
