"""Names, e-mail addresses and phone numbers become placeholders; everything else stays as the pupil wrote it."""

import random
import time

import pytest

from batches.essays.personal import Personal, Replaced

ROSTER = ["Siobhán O'Neill", "Will Mark", "Li Wei", "王小明", "María de la Cruz", "Jean-Luc Smith-Jones", "Søren Æbel"]
people = Personal(ROSTER)


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("Siobhán O'Neill won.", "[name] won."),
        ("SIOBHAN ONEILL and siobhan o neill", "[name] [name] and [name]"),
        ("Siobhán’s dog, Siobhan's cat, Siobhans bag, O'NEILLS", "[name]’s dog, [name]'s cat, [name] bag, [name]"),
        ("Siobha\u0301n and Sio\u200bbhan and Sio\u00adbhán", "[name] and [name] and [name]"),
        ("O'Neill, Siobhán", "[name], [name]"),
        ("siobhan_oneill and SiobhanONeill99", "[name]_[name] and [name]99"),
        ("jean-luc smith jones met Jean Luc", "[name] met [name] [name]"),
        ("Soren aebel", "[name]"),
        ("maria de la cruz; de la Cruz", "[name]; de [name]"),
        ("我叫王小明，他叫小明。", "我叫[name]，他叫小明。"),
        ("Li and Wei, but a li of wood", "[name] and [name], but a li of wood"),
    ],
)
def test_a_name_is_found_however_it_is_written(text, leaves):
    assert people.replace(text).text == leaves


@pytest.mark.parametrize(
    ("text", "leaves"),
    [
        ("They will mark it.", "They will mark it."),
        ("Will marked it.", "[name] marked it."),
        ("Mark's mark: WILL!", "[name]'s mark: [name]!"),
        ("will Mark", "[name]"),
    ],
)
def test_a_name_that_is_also_a_word_stays_a_word_in_small_letters(text, leaves):
    assert people.replace(text).text == leaves


@pytest.mark.parametrize(
    "text", ["Markedly willing, weird lichen, delacruzian Neilly.", "O so nice", "Jean's", "a b c"]
)
def test_a_part_of_a_word_is_no_name(text):
    assert Personal(["Mark O'Neil", "Will Wei", "Cruz"]).replace(text) == Replaced(text=text)


@pytest.mark.parametrize(
    "address",
    [
        "jo@school.ac.uk",
        "Jo.Smith+x@ex-ample.org",
        "jo (at) school.org",
        "jo[at]school[dot]org",
        "jo＠school.org",
        "ñandú@å.no",
    ],
)
def test_an_e_mail_address_is_replaced(address):
    assert Personal().replace(f"Write to {address}, please.") == Replaced(text="Write to [e-mail], please.", emails=1)


@pytest.mark.parametrize(
    "number",
    [
        "020 7946 0958",
        "(01632) 960001",
        "07700900123",
        "07700 900-123",
        "+44 20 7946 0958",
        "+44 (0)20 7946 0958",
        "0044 7700 900123",
        "+1-202-555-0143",
        "(202) 555-0143",
        "202.555.0143",
        "555-0143",
        "06 12 34 56 78",
        "+91 98765 43210",
        "7700 900123",
        "٠٧٧٠٠٩٠٠١٢٣",
    ],
)
def test_a_phone_number_is_replaced(number):
    assert Personal().replace(f"Ring {number}.") == Replaced(text="Ring [phone].", phones=1)


@pytest.mark.parametrize(
    "text",
    [
        "From 1914-1918 and 1939-1945, 2019/2020.",
        "On 2020-05-12, 12.05.2020 and 05/12/2020 at 10:30.",
        "1,000,000 people, 100 000 000 more, 10000000000 stars, 0.3333333333, 3.14159265358979.",
        "A flat of 1066 and 123 456; page 12-14; 7 8 9 10 11 12 13 14",
        "me @ home, @someone, a@b, 3 at 4",
    ],
)
def test_years_sums_and_dates_are_no_phone_numbers(text):
    assert Personal().replace(text) == Replaced(text=text)


def test_an_address_ends_where_its_sentence_does():
    assert Personal().replace("Write to jo@school.org. Or do not.").text == "Write to [e-mail]. Or do not."


def test_what_is_replaced_is_counted_by_kind():
    found = people.replace("Siobhán and Li: 020 7946 0958, li@wei.org, x@y.org, (202) 555-0143")
    assert (found.names, found.emails, found.phones) == (2, 2, 2)


def test_each_kind_can_be_left_alone():
    text = "Siobhán 020 7946 0958 x@y.org"
    assert Personal(emails=False, phones=False).replace(text) == Replaced(text=text)
    assert Personal(ROSTER, emails=False).replace(text).text == "[name] [phone] x@y.org"


def test_replacing_twice_changes_nothing_more_even_where_somebody_is_called_name():
    odd = Personal(["Name Phone", "Mail E"])
    once = odd.replace("Name Phone rang x@y.org from 020 7946 0958, said Mail").text
    assert once == "[name] rang [e-mail] from [phone], said [name]"
    assert odd.replace(once) == Replaced(text=once)


def test_no_name_of_a_large_roster_is_left_in_any_writing():
    random.seed(5)
    first = ["Ada", "Zoë", "José", "Þóra", "Łukasz", "Ngozi", "Aoife", "Björn", "D'Andre", "Anne-Marie"]
    last = ["Müller", "García", "O'Shea", "van Dijk", "Okonkwo", "Ørsted", "Nguyễn", "Smith-Ray", "İnce", "Straße"]
    names = [f"{a} {b}" for a in first for b in last]
    rules = Personal(names)
    ways = [str, str.upper, str.lower, str.title, lambda name: f"{name}'s", lambda name: name.replace(" ", "\u00a0")]
    for name in names:
        for way in ways:
            left = rules.replace(f"Yesterday {way(name)} ran home.").text
            assert left in ("Yesterday [name] ran home.", "Yesterday [name]'s ran home."), (name, left)


@pytest.mark.parametrize(
    "piece", ["a", "a.", "1 ", "0", "+1", "a@", "(0", "O'", "a\u0301", "(at)", "[name]", "\u200b", "王"]
)
def test_no_text_takes_long(piece):
    start = time.process_time()
    Personal(["O'Neill", "A. B. See", "王小明"]).replace(piece * (100_000 // len(piece)))
    assert time.process_time() - start < 2
