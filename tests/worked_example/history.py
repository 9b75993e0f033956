"""Writes the history of a made-up source: its four tables and the exchange rates as they stand at each of eight runs.

    python3 history.py --seed 1 --out HISTORY [--shape full|minimal]

HISTORY/run-N/ holds the CSV files, HISTORY/runs.csv the runs (run, run_id, run_date). The same seed gives the same files.
Between two runs the source changes in the ordinary way, at random; beside that it holds planted cases at the edges of the
definitions, on listings and users of their own that no random change touches. Times are local times of Europe/Berlin,
made to be read in America/New_York. With `--shape minimal` the source lacks its optional columns and has dates in place of
times for bookings and creation.
"""

import argparse
import csv
import math
import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

ONE_DAY = timedelta(days=1)
# The end of a year in the first week of the next, the day of a clock change, a Monday, the end of a month twice, a Sunday
# and first of a month, the last Sunday of a 53rd week, and the day after.
RUN_DATES = [
    date(2024, 12, 31),
    date(2025, 3, 30),
    date(2025, 10, 6),
    date(2026, 2, 28),
    date(2026, 2, 28),
    date(2026, 11, 1),
    date(2027, 1, 3),
    date(2027, 1, 4),
]
FIRST_DAY = date(2023, 6, 1)
BOOKINGS_AT_RUN = [1900, 2400, 3200, 3800, 3850, 4600, 4950, 5000]
LISTINGS_AT_RUN = [300, 310, 325, 335, 336, 350, 358, 360]

FIRST_LISTING = 3_000_000_000
FIRST_BOOKING = 5_000_000_000
FIRST_USER = 7_000_000_000
# Planted rows count from here on, so that they are easily told from random ones.
PLANTED = 900_000

APARTMENT_COLUMNS = [
    "id", "title", "source", "price", "currency", "listing_created_on", "is_active", "last_modified_timestamp",
]
ATTRIBUTE_COLUMNS = [
    "id", "category", "body", "amenities", "bathrooms", "bedrooms", "fee", "has_photo", "pets_allowed", "price_display",
    "price_type", "square_feet", "address", "cityname", "state", "latitude", "longitude",
]
BOOKING_COLUMNS = [
    "booking_id", "user_id", "apartment_id", "booking_date", "checkin_date", "checkout_date", "total_price", "currency",
    "booking_status", "payment_status", "num_guests",
]
VIEWING_COLUMNS = ["user_id", "apartment_id", "viewed_at", "is_wishlisted", "call_to_action"]
RATE_COLUMNS = ["currency", "rate_date", "rate_to_reporting", "source"]
OPTIONAL_COLUMNS = {"price_display", "price_type", "payment_status", "num_guests"}
DATE_OR_TIME_COLUMNS = {"listing_created_on", "booking_date"}

# City, state, and how often each spelling of the city is met. The same city name stands in two states.
PLACES = [
    (["Austin"] * 6 + ["austin", " Austin", "AUSTIN "], ["TX", "TX", "tx", " TX"]),
    (["Dallas"] * 5 + ["DALLAS", "dallas "], ["TX"]),
    (["Springfield"] * 3 + ["springfield"], ["IL"]),
    (["Springfield", "SPRINGFIELD"], ["MO", "mo "]),
    (["München"] * 3 + ["MÜNCHEN", " münchen"], ["BY"]),
    (["New  York"] + ["New York"] * 3 + ["new york"], ["NY"]),
    (["Kuwait City", "kuwait city"], [None, "", "KU"]),
    (["大阪"], ["Osaka"]),
    ([None, "  "], ["TX", None]),
]
PRICE_TYPES = ["night"] * 6 + ["Night ", " NIGHT", "Monthly", "monthly", "MONTHLY ", "Weekly", "", "  ", None]
# Currency and the price of a night in it.
CURRENCIES = ["USD"] * 8 + ["EUR"] * 7 + ["KWD"] * 3 + ["JPY"] * 3
NIGHT_PRICE = {"USD": 120, "EUR": 110, "KWD": 35, "JPY": 17000, "CHF": 130}
ODD_CURRENCIES = [None, "US$", "XYZ", "CHF", "  "]
STATUSES = ["confirmed"] * 60 + ["pending"] * 9 + ["canceled"] * 8 + ["cancelled"] * 3 + [
    "Confirmed", "CONFIRMED ", " confirmed", "confirmed  ", "Confirmed", "confirmed.", "no show", "", None, "  ",
]
PAYMENTS = ["paid"] * 60 + ["pending"] * 12 + ["refunded"] * 4 + ["failed"] * 6 + [
    "PAID", " paid ", "Failed", "charged", None, None,
]


# --- Values ---------------------------------------------------------------------------------------------------------------


def at(text):
    """A local time of the source: `2024-05-01` is its noon, `2024-05-01 06:00` a minute of it."""
    return datetime.fromisoformat(text if ":" in text else f"{text} 12:00")


def spelled(rng, currency):
    """The currency, now and then in another case or with blanks around it."""
    return rng.choice([currency] * 12 + [currency.lower(), f" {currency}", f"{currency.title()} "])


def native_amount(rng, currency, about):
    """A random amount around `about` that the currency and two decimals can express."""
    value = about * rng.uniform(0.5, 2.0)
    return Decimal(round(value)) if currency == "JPY" else Decimal(round(value * 100)).scaleb(-2)


def random_day(rng, first, last):
    return first + rng.randint(0, max((last - first).days, 0)) * ONE_DAY


def random_time(rng, day):
    """A time on the day; often near midnight there or in New York, which is five or six hours behind."""
    hour = rng.choice([0, 4, 5, 5, 6, 6, 7, 23, rng.randint(8, 22), rng.randint(8, 22), rng.randint(8, 22)])
    return datetime.combine(day, time(hour, rng.randint(0, 59), rng.randint(0, 59)))


# --- The source -----------------------------------------------------------------------------------------------------------


class Source:
    """The four tables as they stand now, by key, the listings that have vanished and may return, and keys of equal rows."""

    def __init__(self, rng):
        self.rng = rng
        self.apartments = {}
        self.attributes = {}
        self.bookings = {}
        self.viewings = []
        self.vanished = {}
        self.written_twice = set()
        self.next_listing = FIRST_LISTING
        self.next_booking = FIRST_BOOKING

    def random_listings(self):
        """Keys of the listings that are there and not planted."""
        return [key for key in self.apartments if key < FIRST_LISTING + PLANTED]

    def random_bookings(self):
        return [key for key in self.bookings if key < FIRST_BOOKING + PLANTED]

    def add_listing(self, key, created, **given):
        """A listing in Austin for 100 USD a night, unless said otherwise; attributes are told from the rest by their name."""
        self.apartments[key] = {
            "id": key, "title": f"Listing {key - FIRST_LISTING}", "source": "web", "price": Decimal("100.00"),
            "currency": "USD", "listing_created_on": created, "is_active": True, "last_modified_timestamp": created,
        }
        self.add_attributes(key)
        self.change_listing(key, **given)

    def add_attributes(self, key, **given):
        self.attributes[key] = {
            "id": key, "category": "apartment", "body": None, "amenities": "Gym", "bathrooms": 1, "bedrooms": 2,
            "fee": None, "has_photo": True, "pets_allowed": "Cats", "price_display": None, "price_type": "night",
            "square_feet": 600, "address": "1 Main St", "cityname": "Austin", "state": "TX", "latitude": 30.25,
            "longitude": -97.75, **given,
        }

    def change_listing(self, key, **given):
        for name, value in given.items():
            table = self.apartments if name in APARTMENT_COLUMNS else self.attributes
            table[key][name] = value

    def vanish(self, key):
        self.vanished[key] = self.apartments.pop(key)

    def come_back(self, key):
        self.apartments[key] = self.vanished.pop(key)

    def add_booking(self, key, **given):
        """A confirmed and paid booking of 100 USD a night, unless said otherwise."""
        row = {
            "booking_id": key, "user_id": FIRST_USER + PLANTED + key % 1000, "apartment_id": None, "booking_date": None,
            "checkin_date": None, "checkout_date": None, "total_price": None, "currency": "USD",
            "booking_status": "confirmed", "payment_status": "paid", "num_guests": 2, **given,
        }
        self.bookings[key] = row

    def rows(self, table):
        """The rows of a keyed table, some of them twice."""
        return [row for key, row in table.items() for _ in range(2 if key in self.written_twice else 1)]


# --- Random changes -------------------------------------------------------------------------------------------------------


def add_random_listings(source, count, run_date):
    rng = source.rng
    while source.next_listing < FIRST_LISTING + count:
        key = source.next_listing
        source.next_listing += 1
        created = random_time(rng, random_day(rng, FIRST_DAY, run_date))
        source.add_listing(key, created, **random_place(rng), price_type=rng.choice(PRICE_TYPES))
        source.change_listing(key, **random_price(rng))
        source.change_listing(key, last_modified_timestamp=random_time(rng, random_day(rng, created.date(), run_date)))
        if rng.random() < 0.2:
            source.change_listing(key, is_active=rng.choice([False] * 7 + [None]))
        if rng.random() < 0.06:
            source.change_listing(key, **rng.choice(listing_faults(run_date)))
        if rng.random() < 0.04:
            del source.attributes[key]


def listing_faults(run_date):
    return [
        {"price": None},
        {"price": Decimal("0.00")},
        {"price": Decimal("-5.00")},
        {"listing_created_on": None},
        {"listing_created_on": "0000-00-00 00:00:00"},
        {"listing_created_on": datetime.combine(run_date + 20 * ONE_DAY, time(9))},
        {"last_modified_timestamp": None},
        {"last_modified_timestamp": "0000-00-00 00:00:00", "is_active": False},
        {"last_modified_timestamp": at("2023-02-01"), "is_active": False},
        {"price": Decimal("9000.50"), "currency": "JPY"},
    ]


def random_place(rng):
    cities, states = rng.choice(PLACES)
    return {"cityname": rng.choice(cities), "state": rng.choice(states)}


def random_price(rng):
    if rng.random() < 0.06:
        return {"currency": rng.choice(ODD_CURRENCIES), "price": native_amount(rng, "USD", 100)}
    currency = rng.choice(CURRENCIES)
    return {"currency": spelled(rng, currency), "price": native_amount(rng, currency, NIGHT_PRICE[currency])}


def change_random_listings(source, after, run_date):
    """What owners and editors do between two runs. Half of the changes leave the time of modification alone."""
    rng = source.rng
    for key in source.random_listings():
        change = rng.random()
        active = source.apartments[key]["is_active"]
        if change < 0.15:
            source.change_listing(key, **random_price(rng))
        elif change < 0.20:
            source.change_listing(key, is_active=False)
        elif change < 0.30 and not active:
            source.change_listing(key, is_active=True)
        elif change < 0.36 and key in source.attributes:
            source.change_listing(key, **random_place(rng))
        elif change < 0.38 and key in source.attributes:
            source.change_listing(key, price_type=rng.choice(PRICE_TYPES))
        elif change < 0.39:
            source.attributes.pop(key, None)
        elif change < 0.40 and key not in source.attributes:
            source.add_attributes(key, **random_place(rng))
        elif change < 0.42:
            source.vanish(key)
            continue
        elif change < 0.43:
            source.change_listing(key, listing_created_on=random_time(rng, random_day(rng, FIRST_DAY, run_date)))
        if change < 0.43 and rng.random() < 0.5:
            source.change_listing(key, last_modified_timestamp=random_time(rng, random_day(rng, after, run_date)))
    for key in list(source.vanished):
        if key < FIRST_LISTING + PLANTED and rng.random() < 0.3:
            source.come_back(key)


def add_random_bookings(source, count, after, run_date):
    rng = source.rng
    listings = source.random_listings()
    while len(source.bookings) < count:
        # Now and then one arrives long after it was made.
        first = FIRST_DAY + 180 * ONE_DAY if rng.random() < 0.1 else after
        booked = random_time(rng, random_day(rng, first, run_date))
        checkin = booked.date() + rng.choice([0, 1, 2, 5, 9, 14, 30, 60, 110]) * ONE_DAY
        nights = rng.choice([1, 2, 2, 3, 3, 4, 5, 7, 7, 10, 14, 14, 27, 28, 30, 60])
        apartment = rng.choice(listings)
        key = source.next_booking
        source.next_booking += 1
        source.add_booking(
            key, user_id=FIRST_USER + int(rng.triangular(0, 900, 0)), apartment_id=apartment, booking_date=booked,
            checkin_date=checkin, checkout_date=checkin + nights * ONE_DAY, booking_status=rng.choice(STATUSES),
            payment_status=rng.choice(PAYMENTS), **random_total(rng, source.apartments[apartment]["currency"], nights),
        )
        if rng.random() < 0.02:
            source.bookings[key].update(rng.choice(booking_faults(checkin)))


def random_total(rng, listing_currency, nights):
    """A price in the currency of the listing, sometimes in another one."""
    currency = (listing_currency or "").strip().upper()
    if currency not in NIGHT_PRICE or rng.random() < 0.05:
        currency = rng.choice(CURRENCIES)
    total = native_amount(rng, currency, NIGHT_PRICE[currency] * nights)
    return {"total_price": total, "currency": rng.choice([spelled(rng, currency)] * 60 + ODD_CURRENCIES)}


def booking_faults(checkin):
    return [
        {"user_id": None},
        {"checkin_date": None},
        {"checkout_date": None},
        {"checkin_date": "0000-00-00"},
        {"checkout_date": checkin},
        {"checkout_date": checkin - 2 * ONE_DAY},
        {"checkout_date": checkin + 366 * ONE_DAY},
        {"checkout_date": checkin + 365 * ONE_DAY},
        {"total_price": Decimal("12000.50"), "currency": "JPY"},
        {"total_price": Decimal("12000.00"), "currency": "JPY"},
        {"total_price": None},
        {"total_price": Decimal("0.00")},
        {"total_price": Decimal("-80.01")},
        {"apartment_id": None},
        {"apartment_id": FIRST_LISTING + 999_999},
    ]


def change_random_bookings(source):
    """Payments, cancellations, changed dates and prices, and rows that are deleted at the source."""
    rng = source.rng
    for key in source.random_bookings():
        row = source.bookings[key]
        change = rng.random()
        if row["payment_status"] == "pending" and change < 0.5:
            row["payment_status"] = rng.choice(["paid", "paid", "failed"])
        elif row["booking_status"] == "pending" and change < 0.6:
            row["booking_status"] = rng.choice(["confirmed", "canceled"])
        elif change < 0.03:
            row["booking_status"] = rng.choice(["canceled", "cancelled", "confirmed"])
        elif change < 0.04 and isinstance(row["checkout_date"], date):
            row["checkout_date"] += rng.choice([-1, 1, 4]) * ONE_DAY
        elif change < 0.05 and row["total_price"]:
            row["total_price"] += 10
        elif change < 0.055:
            row["apartment_id"] = rng.choice(source.random_listings())
        elif change < 0.06:
            row["booking_date"] -= 3 * ONE_DAY
        elif change < 0.07:
            del source.bookings[key]


def add_random_viewings(source, after, run_date):
    rng = source.rng
    for _ in range(80):
        user, listing = FIRST_USER + rng.randint(0, 900), rng.choice(source.random_listings())
        viewed = random_time(rng, random_day(rng, after, run_date))
        row = dict(zip(VIEWING_COLUMNS, (user, listing, viewed, rng.random() < 0.2, rng.choice([None, "book"]))))
        source.viewings += [row] * rng.choice([1, 1, 1, 2, 3])


# --- Planted cases --------------------------------------------------------------------------------------------------------


class Planted:
    """Adds planted rows under short numbers: listing 3 is the third planted one."""

    def __init__(self, source):
        self.source = source

    def listing(self, number, created="2023-06-15", **given):
        self.source.add_listing(self.listing_key(number), at(created), **given)

    def change(self, number, **given):
        self.source.change_listing(self.listing_key(number), **given)

    def booking(self, number, listing, booked, checkin, nights, price=None, **given):
        """A booking; `nights` after check-in is the check-out, `price` is 100 a night unless given."""
        key = FIRST_BOOKING + PLANTED + number
        checkin = date.fromisoformat(checkin)
        row = {
            "apartment_id": self.listing_key(listing), "booking_date": at(booked), "checkin_date": checkin,
            "checkout_date": checkin + nights * ONE_DAY, "total_price": Decimal(price or f"{100 * nights}.00"), **given,
        }
        self.source.add_booking(key, **row)

    def change_booking(self, number, **given):
        self.source.bookings[FIRST_BOOKING + PLANTED + number].update(given)

    def remove_booking(self, number):
        del self.source.bookings[FIRST_BOOKING + PLANTED + number]

    @staticmethod
    def listing_key(number):
        return FIRST_LISTING + PLANTED + number

    @staticmethod
    def user(number):
        return {"user_id": FIRST_USER + 2 * PLANTED + number}


def plant_calendar(planted):
    """Ends of years, months and weeks, a leap day, and times around midnight and clock changes."""
    planted.listing(1)
    planted.booking(1, 1, "2024-12-30 08:00", "2024-12-28", 7)
    planted.booking(2, 1, "2023-12-20", "2023-12-30", 4)
    planted.booking(3, 1, "2024-02-29 07:00", "2024-02-28", 3)
    planted.booking(4, 1, "2024-02-20", "2024-02-29", 1)
    for number, booked in enumerate([
        "2024-05-06 05:59:59",  # Sunday in New York
        "2024-05-06 06:00:00",  # Monday, midnight in New York
        "2024-03-31 02:30:00",  # skipped
        "2024-10-27 02:30:00",  # repeated
        "2024-10-27 02:00:00",
        "2024-03-31 01:59:59",
        "2024-03-31 03:00:00",
        "2024-03-20 04:59:59",  # five hours apart for three weeks
        "2024-03-20 05:00:00",
        "2024-10-30 04:59:59",
        "2024-10-30 05:00:00",
        "2024-12-01 00:00:00",
        "2024-07-01 05:30:00",  # the end of June in New York
    ]):
        planted.booking(10 + number, 1, booked, "2024-11-01", 2)


def plant_money(planted):
    """Splits with a remainder in each currency, and prices that are missing, negative, or in no known currency."""
    planted.listing(2, currency="KWD", price=Decimal("30.05"))
    for number, (price, currency) in enumerate([
        ("100.10", "KWD"),
        ("10000.00", "JPY"),
        ("100.00", "USD"),
        ("0.01", "EUR"),
        ("-100.01", "USD"),
        ("-100.10", "KWD"),
        ("0.00", "USD"),
        ("50.00", "CHF"),
        ("50.00", "US$"),
        ("50.00", None),
        ("10000.50", "JPY"),
        ("80.00", " eur"),
        ("80.00", "Usd "),
    ]):
        planted.booking(30 + number, 2, "2024-06-05", "2024-06-14", 3, price, currency=currency)
    planted.booking(44, 2, "2024-06-05", "2024-06-14", 3, total_price=None)
    planted.booking(45, 2, "2024-06-05", "2024-06-14", 3, currency="CHF", total_price=None)
    # The same amount in three nights and in one, at a rate of many digits: a tie.
    planted.listing(26)
    planted.listing(27)
    planted.booking(60, 26, "2024-06-05", "2024-06-10", 3, "100.10", currency="KWD")
    planted.booking(61, 27, "2024-06-05", "2024-06-12", 1, "100.10", currency="KWD")
    # The largest amounts that the source can hold.
    planted.listing(28, currency="KWD", price=Decimal("99999999.99"))
    planted.booking(62, 28, "2024-06-05", "2024-06-12", 7, "9999999999.99", currency="KWD")
    # Weeks with nothing but a negative price, or nothing that can be converted.
    planted.listing(3)
    planted.booking(46, 3, "2024-07-01", "2024-07-15", 3, "-50.00")
    planted.booking(47, 3, "2024-07-01", "2024-07-22", 3, currency="CHF")
    # Rates are missing for weeks, and then for nights whose booking date had one.
    for number, booked in enumerate(["2024-08-09", "2024-08-10", "2024-08-20", "2024-09-01", "2024-09-02"]):
        planted.booking(50 + number, 2, booked, "2024-08-25", 4, "333.33", currency="EUR")
    for number, booked in enumerate(["2024-02-27", "2024-03-01", "2024-04-12", "2024-04-13", "2024-04-19"]):
        planted.booking(55 + number, 2, booked, "2024-05-25", 4, "333.33", currency="KWD")


def plant_users(planted):
    """Users who return after 29 and 30 days, on the same day, and on one date there that is two in New York."""
    planted.listing(4)
    for number, (user, booked) in enumerate([
        (1, "2024-05-01"), (1, "2024-05-30"),
        (2, "2024-05-01"), (2, "2024-05-31"),
        (3, "2024-05-02 09:00"), (3, "2024-05-02 10:00"),
        (4, "2024-05-03 05:30"), (4, "2024-05-03 06:30"),
        (5, "2024-05-01"), (5, "2024-05-20"), (5, "2024-06-18"),
    ]):
        planted.booking(70 + number, 4, booked, "2024-08-01", 2, **planted.user(user))
    planted.booking(85, 4, "2024-05-04", "2024-08-01", 2, **planted.user(6))
    planted.booking(86, 4, "2024-05-05", "2024-08-01", 2, booking_status="canceled", **planted.user(6))


def plant_statuses(planted):
    planted.listing(5)
    for number, status in enumerate([" Confirmed ", "CONFIRMED", "confirmed!", "unknown", None, "  ", "pending", "cancelled"]):
        planted.booking(90 + number, 5, "2024-05-07", "2024-05-20", 2, booking_status=status)
    for number, payment in enumerate(["failed", " FAILED ", "Paid", "pending", "refunded", "charged", None, "  "]):
        planted.booking(100 + number, 5, "2024-05-07", "2024-05-20", 2, payment_status=payment)


def plant_nights(planted):
    """Overlaps, lengths at every limit, and nights on which the listing was not listed."""
    planted.listing(6, "2024-02-10")
    for number, nights in enumerate([27, 28, 364, 365, 366, 0, -2]):
        planted.booking(120 + number, 6, "2024-02-01", "2024-03-01", nights, "700.00")
    planted.booking(130, 6, "2024-01-20", "2024-02-05", 10)
    planted.booking(131, 6, "2024-03-05", "2024-03-01", 4)
    planted.booking(132, 6, "2024-03-05", "2024-03-01", 4, user_id=None)
    planted.booking(133, 6, "2024-03-05", "2024-03-01", 4, checkout_date=None)
    planted.booking(134, 6, "2024-03-05", "2024-03-01", 4, checkin_date="0000-00-00")
    planted.booking(135, 6, "2024-03-05", "2024-03-01", 4, booking_id=None)
    planted.listing(7, "2024-01-01", is_active=False, last_modified_timestamp=at("2024-04-15 05:30"))
    planted.booking(140, 7, "2024-04-01", "2024-04-10", 10)
    planted.booking(141, 7, "2023-11-25", "2023-11-28", 6)
    # Months before anything was listed, and decades ahead.
    planted.booking(142, 7, "2023-02-10", "2023-03-01", 4)
    planted.booking(143, 6, "2024-02-01", "2099-12-30", 4)


def plant_odd_listings(planted):
    """Listings without what the definitions look at."""
    planted.listing(10, price=None)
    planted.listing(11, listing_created_on=None)
    planted.listing(12, is_active=None, last_modified_timestamp=at("2024-06-01"))
    planted.listing(13, is_active=False, last_modified_timestamp=None)
    planted.listing(14, listing_created_on="0000-00-00 00:00:00")
    planted.listing(15, listing_created_on=at("2024-03-01 23:59"))
    planted.listing(16, listing_created_on=at("2024-03-01 00:01"))
    planted.listing(17, currency="JPY", price=Decimal("9000.50"))
    planted.listing(18, currency="JPY", price=Decimal("9000.00"))
    planted.listing(19, price_type=None, currency="CHF")
    planted.listing(20, price_type="week", price=Decimal("-1.00"))
    planted.listing(21, price_type="fortnight", currency="KWD", price=Decimal("10.01"), is_active=False,
                    last_modified_timestamp=at("2024-05-01"))
    planted.listing(22, is_active=False, last_modified_timestamp=at("2025-06-01"))
    planted.listing(23, listing_created_on=at("2025-08-01"))
    for listing in range(10, 20):
        planted.booking(150 + listing, listing, "2024-04-05", "2024-05-28", 8)
    # Faults of single rows.
    planted.booking(170, 10, "2024-04-05", "2024-05-28", 3, apartment_id=None)
    planted.listing(24)
    planted.booking(160, 24, "2024-04-05", "2024-05-28", 8)
    planted.source.written_twice |= {planted.listing_key(24), FIRST_BOOKING + PLANTED + 160}
    planted.listing(25)
    planted.change(25, id=None)
    planted.booking(161, 25, "2024-04-05", "2024-05-28", 8)
    planted.booking(171, 10, "2024-04-05", "2024-05-28", 3, booking_date=None)
    planted.booking(172, 11, "2024-04-05", "2024-05-29", 3, booking_date="0000-00-00 00:00:00", currency="EUR")


def plant_places(planted):
    """Listings that move, cities that differ in spelling only, and equal cities of two states."""
    planted.listing(30, cityname="Austin")
    planted.listing(31, cityname=" ", state="TX")
    planted.listing(32, cityname="Springfield", state="IL")
    planted.listing(33, cityname="springfield ", state="MO")
    planted.listing(34, cityname="SAN MARCOS", state="TX")
    planted.listing(35, cityname="San Marcos", state="tx")
    planted.listing(36, cityname="Trier", state=None)
    planted.listing(37, cityname="trier", state="  ")
    for listing in range(30, 38):
        planted.booking(200 + listing, listing, "2024-01-03", "2024-01-20", 2)
    # The listing has moved by then, its attributes are not yet known, or no longer.
    planted.booking(240, 30, "2024-12-31", "2025-01-05", 2)
    planted.listing(40, cityname="Alpine")
    planted.booking(243, 40, "2024-01-03", "2024-01-20", 2)
    planted.listing(44, cityname="Twin Oaks", state="IL")
    planted.listing(45, cityname="twin oaks", state="MO")
    planted.booking(244, 44, "2024-01-03", "2024-01-20", 2)
    planted.booking(245, 45, "2024-01-04", "2024-01-22", 2)
    planted.listing(38)
    del planted.source.attributes[planted.listing_key(38)]
    planted.booking(241, 38, "2024-01-03", "2024-01-20", 2)
    planted.listing(39, cityname="Waco")
    planted.booking(242, 39, "2024-01-03", "2024-01-20", 2)


def plant_late_arrivals(planted):
    """Bookings of listings that are seen later or never, and bookings that will be canceled, deleted or changed."""
    planted.booking(250, 50, "2024-06-01", "2024-06-10", 3)
    planted.booking(251, 51, "2024-06-01", "2024-06-10", 3)
    planted.booking(252, 52, "2024-06-01", "2024-12-30", 3, booking_status="canceled")
    planted.listing(53)
    for number in range(260, 266):
        planted.booking(number, 53, "2024-09-10", "2024-09-20", 3)
    # Under way at the run, beginning and ending on its day, and in the future; made after the run date.
    planted.booking(270, 53, "2024-12-01", "2024-12-29", 5)
    planted.booking(271, 53, "2024-12-01", "2024-12-31", 2)
    planted.booking(272, 53, "2024-12-01", "2024-12-28", 3)
    planted.booking(273, 53, "2024-12-01", "2025-01-01", 2)
    planted.booking(274, 53, "2024-12-01", "2025-02-20", 40)
    planted.booking(275, 53, "2025-01-08", "2025-02-20", 4)
    planted.booking(276, 53, "2025-01-01 05:30", "2025-02-20", 4)
    planted.booking(277, 53, "2025-01-07", "2025-02-20", 4, currency="EUR")
    planted.booking(278, 53, "2025-01-08", "2025-02-20", 4, currency="EUR")


def plant_run_1(planted):
    for plant in (
        plant_calendar, plant_money, plant_users, plant_statuses, plant_nights, plant_odd_listings, plant_places,
        plant_late_arrivals,
    ):
        plant(planted)
    planted.listing(54)
    planted.listing(55)
    planted.listing(56, price=Decimal("80.00"))
    planted.listing(57)


def plant_run_2(planted):
    planted.change(10, price=Decimal("75.00"))
    planted.change(11, listing_created_on=at("2023-07-01"))
    planted.change(12, is_active=True)
    planted.change(13, is_active=True)
    planted.change(17, price=Decimal("9000.00"))
    planted.change(18, price=Decimal("9000.50"))
    planted.change(22, is_active=True)
    planted.change(30, cityname="Dallas")
    planted.change(56, price=Decimal("90.00"))
    planted.change_booking(260, booking_status="canceled")
    planted.change_booking(261, booking_status="cancelled", payment_status="refunded")
    planted.remove_booking(262)
    planted.booking(300, 30, "2025-03-30 05:30", "2025-04-05", 2)  # the day before the run, in New York
    planted.booking(301, 30, "2025-03-30 06:30", "2025-04-05", 2)
    planted.booking(302, 53, "2025-03-30 02:15", "2025-03-30", 2)  # skipped
    planted.booking(303, 53, "2023-07-04", "2023-07-10", 2)  # earlier than all before


def plant_run_3(planted):
    planted.listing(50, "2024-08-01", cityname="Kyle")
    planted.listing(52, "2024-08-01", is_active=False, last_modified_timestamp=at("2025-08-01"))
    planted.source.vanish(planted.listing_key(54))
    planted.source.vanish(planted.listing_key(57))
    planted.change(18, price=Decimal("9100.00"))
    planted.change(56, price=Decimal("95.00"), currency="EUR")
    planted.source.add_attributes(planted.listing_key(38), cityname="Laredo")
    planted.change_booking(260, booking_status="confirmed")
    planted.change_booking(263, checkout_date=date(2024, 9, 30))
    planted.change_booking(264, total_price=Decimal("999.99"))
    planted.change_booking(265, booking_date=at("2024-06-10"))
    planted.booking(310, 54, "2025-09-01", "2025-10-01", 10)
    planted.booking(311, 30, "2024-12-31 06:00", "2025-11-05", 2)  # the day of the first run


def plant_run_4(planted):
    planted.source.vanish(planted.listing_key(55))
    planted.change(56, is_active=False)
    # Sold for a time at which it is known to be gone, over the day of the sixth run, the first of a month.
    planted.booking(324, 57, "2025-10-01", "2026-10-30", 5)
    planted.listing(58, is_active=False, last_modified_timestamp=None)
    del planted.source.attributes[planted.listing_key(39)]
    planted.booking(320, 39, "2026-02-28", "2026-03-02", 2)
    planted.booking(321, 55, "2026-02-20", "2026-02-26", 5)
    planted.change(30, cityname="Houston")
    planted.change(40, cityname="Bandera")
    planted.listing(41, cityname="Comfort")
    planted.listing(42, cityname="Dublin", is_active=False, last_modified_timestamp=at("2025-12-01"))
    planted.booking(322, 41, "2025-06-01", "2025-06-10", 2)
    planted.booking(323, 42, "2025-06-01", "2025-06-10", 2)


def plant_run_5(planted):
    """The same day as the run before: what that one saw of these listings does not stand."""
    planted.source.come_back(planted.listing_key(55))
    planted.change(56, is_active=True, price=Decimal("97.00"))
    planted.change(30, cityname="El Paso")
    planted.booking(330, 30, "2026-02-28", "2026-03-02", 2)
    del planted.source.attributes[planted.listing_key(40)]
    planted.booking(331, 40, "2026-02-28", "2026-03-02", 2)
    planted.source.vanish(planted.listing_key(41))
    del planted.source.attributes[planted.listing_key(41)]
    planted.change(58, is_active=True)
    planted.change(42, cityname="Energy", is_active=True, price=Decimal("41.00"), price_type="week")


def plant_run_6(planted):
    planted.source.come_back(planted.listing_key(54))
    planted.source.come_back(planted.listing_key(41))
    planted.source.add_attributes(planted.listing_key(41), cityname="Friendship")
    planted.booking(344, 41, "2026-06-01", "2026-06-05", 2)
    planted.booking(345, 40, "2026-06-01", "2026-06-05", 2)
    planted.change(36, cityname="TRIER")
    planted.booking(340, 39, "2026-06-01", "2026-06-05", 2)
    planted.booking(341, 54, "2026-06-01", "2026-10-30", 5)
    planted.remove_booking(303)
    # The same price for the same nights in one week: a tie.
    planted.booking(342, 4, "2026-05-04", "2026-06-09", 2)
    planted.booking(343, 5, "2026-05-04", "2026-06-09", 2)


def plant_run_7(planted):
    """The 53rd week of 2026."""
    planted.booking(350, 1, "2026-12-28 05:59", "2026-12-28", 7)
    planted.booking(351, 1, "2026-12-28 06:00", "2026-12-31", 2)
    planted.booking(352, 1, "2027-01-03 23:00", "2027-01-03", 1)
    planted.booking(353, 1, "2027-01-04 05:00", "2027-01-04", 1)  # the day of the run, in New York
    planted.booking(354, 44, "2026-12-29", "2027-01-02", 1, currency="CHF")
    planted.booking(355, 45, "2026-12-29", "2027-01-02", 1, currency="CHF")
    planted.booking(356, 56, "2024-01-01 00:30", "2024-01-01", 1)


def plant_run_8(planted):
    planted.change_booking(352, booking_status="canceled")
    planted.change_booking(350, payment_status="failed")
    planted.booking(360, 51, "2026-12-29", "2027-01-02", 2)
    planted.booking(361, 1, "2027-01-04 07:00", "2027-01-04", 1)


PLANTED_AT_RUN = [
    plant_run_1, plant_run_2, plant_run_3, plant_run_4, plant_run_5, plant_run_6, plant_run_7, plant_run_8,
]


# --- Exchange rates -------------------------------------------------------------------------------------------------------


def rates_at(run, run_date):
    """Rates up to the run date: on working days, for KWD on Fridays only, with gaps of which one is filled later."""
    rows = [{"currency": "USD", "rate_date": date(2024, 1, 1), "rate_to_reporting": 1, "source": "sample"}]
    day = FIRST_DAY
    while day <= run_date:
        rows += [
            {"currency": currency, "rate_date": day, "rate_to_reporting": rate(currency, day, run), "source": "sample"}
            for currency in ("EUR", "JPY", "KWD")
            if has_rate(currency, day, run)
        ]
        day += ONE_DAY
    return rows


def has_rate(currency, day, run):
    if day.weekday() > 4:
        return False
    if currency == "EUR":
        in_filled_gap = date(2025, 6, 2) <= day <= date(2025, 6, 20) and run < 4
        return not in_filled_gap and not date(2024, 8, 3) <= day <= date(2024, 9, 1)
    if currency == "JPY":
        return not date(2025, 12, 15) <= day <= date(2026, 1, 9) and day < date(2026, 12, 24)
    missing = {date(2024, 4, 12), date(2025, 4, 18), date(2026, 10, 30)}
    return day >= date(2024, 3, 1) and day.weekday() == 4 and day not in missing


def rate(currency, day, run):
    """A rate that moves every day; one of them is corrected by the third run."""
    middle, places = {"EUR": (1.08, 4), "JPY": (0.0067, 10), "KWD": (3.25, 10)}[currency]
    corrected = currency == "EUR" and day == date(2024, 5, 7) and run >= 3
    moved = middle * (1 + 0.03 * math.sin(day.toordinal() / 17) + 0.004 * (day.toordinal() % 7))
    return f"{moved + (0.05 if corrected else 0):.{places}f}"


# --- Files ----------------------------------------------------------------------------------------------------------------


def written(name, value, shape):
    if value is None:
        return ""
    if shape == "minimal" and name in DATE_OR_TIME_COLUMNS:
        return str(value)[:10]
    return str(value).lower() if isinstance(value, bool) else str(value)


def write_rows(file, columns, rows, shape="full"):
    columns = [name for name in columns if shape == "full" or name not in OPTIONAL_COLUMNS]
    with open(file, "w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([written(name, row[name], shape) for name in columns] for row in rows)


def write_source(folder, source, rates, shape):
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "apartments.csv", APARTMENT_COLUMNS, source.rows(source.apartments), shape)
    write_rows(folder / "apartment_attributes.csv", ATTRIBUTE_COLUMNS, source.rows(source.attributes), shape)
    write_rows(folder / "bookings.csv", BOOKING_COLUMNS, source.rows(source.bookings), shape)
    write_rows(folder / "user_viewing.csv", VIEWING_COLUMNS, source.viewings, shape)
    write_rows(folder / "fx_rates.csv", RATE_COLUMNS, rates)


def write_history(seed, folder, shape):
    source = Source(random.Random(seed))
    after = FIRST_DAY + 180 * ONE_DAY
    runs = []
    for index, run_date in enumerate(RUN_DATES):
        if index > 0:
            change_random_listings(source, after, run_date)
            change_random_bookings(source)
        PLANTED_AT_RUN[index](Planted(source))
        add_random_listings(source, LISTINGS_AT_RUN[index], run_date)
        add_random_bookings(source, BOOKINGS_AT_RUN[index], after, run_date)
        add_random_viewings(source, after, run_date)
        write_source(folder / f"run-{index + 1}", source, rates_at(index + 1, run_date), shape)
        runs.append({"run": index + 1, "run_id": f"history-{index + 1}", "run_date": run_date})
        after = run_date
    write_rows(folder / "runs.csv", ["run", "run_id", "run_date"], runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shape", choices=["full", "minimal"], default="full")
    given = parser.parse_args()
    write_history(given.seed, given.out, given.shape)


if __name__ == "__main__":
    main()
