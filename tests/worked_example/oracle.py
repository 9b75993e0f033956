"""Computes the seven metrics and their views after each run of a history, by brute force.

    python3 oracle.py --in HISTORY --out RESULTS [--fx-max-age-days 7] [--reporting-currency USD]

Reads the folders that history.py writes and leaves RESULTS/run-N/<metric>.csv: columns, order and rounding of the published
tables, dates ISO, flags true or false, NULL empty. It shares nothing with the pipeline: days, nights and listings are
looped over one by one, every amount is exact, and the only rounding is that of the last step. Numbers in comments such as
(4.2) are sections of the metric definitions.
"""

import argparse
import csv
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal, Inexact, getcontext
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

# Sums and products of decimals are exact: one that would have to be rounded is an error.
getcontext().prec = 60
getcontext().traps[Inexact] = True

ONE_DAY = timedelta(days=1)
ZERO_DATE = "0000-00-00"
# ISO 4217 with the decimals of the smallest unit. What is not listed here counts as no currency: history.py uses no other.
MINOR_UNITS = {"CHF": 2, "EUR": 2, "INR": 2, "JPY": 0, "KWD": 3, "USD": 2}
# The payments of the contract; others and NULL are not realised (5, BKG-PAYMENT).
PAYMENTS = {"paid", "pending", "refunded"}
UNKNOWN_CITY = ("(unknown)", "")


class Settings(NamedTuple):
    """What an operator of the pipeline configures."""

    source_timezone: ZoneInfo
    reporting_timezone: ZoneInfo
    reporting_currency: str
    fx_max_age_days: int
    max_nights: int


class Apartment(NamedTuple):
    """A listing as one run saw it."""

    price: Decimal | None
    currency: str | None
    created_on: date | None
    is_active: bool
    modified_on: date | None


class Attributes(NamedTuple):
    """What a listing offers and where it is, as one run saw it."""

    city: str | None
    state: str | None
    price_type: str


class Booking(NamedTuple):
    """A row of bookings with its date in the reporting time zone."""

    booking_id: int
    user_id: int | None
    apartment_id: int | None
    booked_on: date | None
    checkin: date | None
    checkout: date | None
    total_price: Decimal | None
    currency: str | None
    status: str | None
    payment: str | None


class Stay(NamedTuple):
    """A realised booking with what it earns; `revenue` and the parts of `nightly` are None where it cannot be converted."""

    booking: Booking
    place: tuple[str, str]
    spelling: tuple[str, str]
    revenue: Decimal | None
    nightly: dict[date, Decimal | None]


class ListingDay(NamedTuple):
    """A day on which a listing could be booked."""

    apartment_id: int
    day: date
    price_type: str
    price: Decimal | None
    currency: str | None
    price_rc: Decimal | None
    basis: str


# --- Values of the source -----------------------------------------------------------------------------------------------


def trimmed(text):
    """The text without blanks around it, None where nothing is left."""
    return text.strip(" ") or None if text else None


def folded(text):
    """The text as groups and states are compared: trimmed, lower case, inner spaces kept (6.6)."""
    text = trimmed(text)
    return text.lower() if text else None


def currency_code(text):
    """The currency, trimmed and upper-cased first (6.6)."""
    text = trimmed(text)
    return text.upper() if text else None


def whole_number(text):
    return int(text) if text else None


def amount(text):
    return Decimal(text) if text else None


def calendar_date(text):
    """The date part of a DATE or DATETIME, never shifted (6.4); a zero date is NULL (5, TS-ZERO)."""
    return date.fromisoformat(text[:10]) if text and not text.startswith(ZERO_DATE) else None


def instant_date(text, settings):
    """The reporting date of a local time of the source (4.0).

    Python reads a time that a clock change skips with the offset before the change, which shifts it forward, and one that is
    repeated with the earlier offset (5, TS-DST).
    """
    if not text or text.startswith(ZERO_DATE):
        return None
    local = datetime.fromisoformat(text).replace(tzinfo=settings.source_timezone, fold=0)
    return local.astimezone(settings.reporting_timezone).date()


def has_too_many_decimals(value, currency):
    """More decimals than the currency has (5, BKG-PRICE and APT-PRICE); zeros at the end are none."""
    if value is None or currency not in MINOR_UNITS:
        return False
    scaled = value.scaleb(MINOR_UNITS[currency])
    return scaled != scaled.to_integral_value()


# --- Files of one run ---------------------------------------------------------------------------------------------------


def read_rows(file):
    with open(file, newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def read_apartments(folder, settings):
    """The listings of a run by id, without quarantined rows (5, KEY-NULL and APT-PRICE)."""
    listings = {}
    for row in read_rows(folder / "apartments.csv"):
        listing = Apartment(
            price=amount(row["price"]),
            currency=currency_code(row["currency"]),
            created_on=calendar_date(row["listing_created_on"]),
            is_active=row["is_active"] in ("true", "1"),  # NULL is inactive (6.5)
            modified_on=instant_date(row["last_modified_timestamp"], settings),
        )
        if row["id"] and not has_too_many_decimals(listing.price, listing.currency):
            listings[int(row["id"])] = listing
    return listings


def read_attributes(folder):
    """The attributes of a run by listing; NULL or blank price types are the group `unspecified` (6.2)."""
    return {
        int(row["id"]): Attributes(
            city=trimmed(row["cityname"]),
            state=trimmed(row["state"]),
            price_type=folded(row.get("price_type")) or "unspecified",
        )
        for row in read_rows(folder / "apartment_attributes.csv")
        if row["id"]
    }


def read_bookings(folder, settings):
    """The bookings of a run that stand on their own: without quarantined rows (5), one row for each key."""
    rows = read_rows(folder / "bookings.csv")
    # One column holds dates or times, not both; a DATE is not shifted (6.4).
    has_times = any(":" in row["booking_date"] for row in rows)
    bookings = {}
    for row in rows:
        booking_date = row["booking_date"]
        booking = Booking(
            booking_id=whole_number(row["booking_id"]),
            user_id=whole_number(row["user_id"]),
            apartment_id=whole_number(row["apartment_id"]),
            booked_on=instant_date(booking_date, settings) if has_times else calendar_date(booking_date),
            checkin=calendar_date(row["checkin_date"]),
            checkout=calendar_date(row["checkout_date"]),
            total_price=amount(row["total_price"]),
            currency=currency_code(row["currency"]),
            status=folded(row["booking_status"]),
            payment=folded(row.get("payment_status")),
        )
        if not is_quarantined(booking, settings):
            bookings[booking.booking_id] = booking
    tells_payments = "payment_status" in rows[0]
    return list(bookings.values()), tells_payments


def is_quarantined(booking, settings):
    """Whether a rule about the row alone keeps it out (5)."""
    if booking.booking_id is None or booking.user_id is None:
        return True
    if booking.checkin is None or booking.checkout is None:
        return True
    if not 1 <= nights_of(booking) <= settings.max_nights:
        return True
    return has_too_many_decimals(booking.total_price, booking.currency)


def read_rates(folder):
    return {
        (row["currency"], date.fromisoformat(row["rate_date"])): Decimal(row["rate_to_reporting"])
        for row in read_rows(folder / "fx_rates.csv")
    }


# --- What several runs saw ----------------------------------------------------------------------------------------------


class History:
    """What the runs so far saw of one table, by key."""

    def __init__(self):
        self.states = []
        self.first_sights = {}

    def observe(self, run_date, rows):
        """Adds what a run saw. Of several runs on one date the last holds (6.5), from that date on; what a key looked like
        when it was first seen stays known (4.0, History)."""
        for key in rows.keys() - self.first_sights.keys():
            self.first_sights[key] = (run_date, rows[key])
        if self.states and self.states[-1][0] == run_date:
            self.states.pop()
        self.states.append((run_date, rows))

    def last_sight(self, key, day):
        """The row of the last run up to the day; None where that run did not see the key."""
        return next(rows.get(key) for run_date, rows in reversed(self.states) if run_date <= day)

    def last_known(self, key, day):
        """The row of the last run up to the day that saw the key; None where none did."""
        seen = (rows[key] for run_date, rows in reversed(self.states) if run_date <= day and key in rows)
        return next(seen, None)


def listing_on(listings, apartment_id, day):
    """The row of a listing that holds on a day and its basis (4.0, History)."""
    run_date, row = listings.first_sights[apartment_id]
    if day < run_date:
        return row, "reconstructed"
    return listings.last_sight(apartment_id, day), "observed"


def is_listed(row, basis, day):
    """Whether a listing with this row on this day could be booked on it (4.0 History, 6.5)."""
    if row is None:
        return False  # it had vanished
    if row.created_on is None and basis == "reconstructed":
        return False  # only from the first run that saw it (5, APT-CREATED-NULL)
    if row.created_on is not None and day < row.created_on:
        return False
    if row.is_active:
        return True
    return basis == "reconstructed" and row.modified_on is not None and day < row.modified_on


def attributes_on(attributes, apartment_id, day):
    """The attributes known on a day: the earliest before they were first seen, the last known after deletion (6.8)."""
    if apartment_id not in attributes.first_sights:
        return Attributes(None, None, "unspecified")
    known = attributes.last_known(apartment_id, day) if day else None
    return known or attributes.first_sights[apartment_id][1]


def listing_days(listings, attributes, rates, run_date, settings):
    """Every listing on every day up to the run date on which it could be booked (4.1, 4.2)."""
    days = []
    for apartment_id, (first_seen, first_row) in sorted(listings.first_sights.items()):
        day = min(first_seen, first_row.created_on or first_seen)
        while day <= run_date:
            row, basis = listing_on(listings, apartment_id, day)
            if is_listed(row, basis, day):
                price_type = attributes_on(attributes, apartment_id, day).price_type
                price_rc = converted(row.price, row.currency, day, rates, settings)
                days.append(ListingDay(apartment_id, day, price_type, row.price, row.currency, price_rc, basis))
            day += ONE_DAY
    return days


# --- Money --------------------------------------------------------------------------------------------------------------


def rate_on(currency, day, rates, settings):
    """The last rate up to the day, if it is young enough; otherwise None, never 1 and never the latest (4.0, Money)."""
    if day is None:
        return None
    if currency == settings.reporting_currency:
        return Decimal(1)
    for age in range(settings.fx_max_age_days + 1):
        rate = rates.get((currency, day - age * ONE_DAY))
        if rate is not None:
            return rate
    return None


def converted(value, currency, day, rates, settings):
    """The value in the reporting currency, exact; None without value or rate."""
    rate = rate_on(currency, day, rates, settings)
    return None if value is None or rate is None else value * rate


def nightly_shares(price, currency, nights):
    """The price of each night: minor units divided truncating toward zero, the remainder to the first nights (4.4, 6.7)."""
    minor = int(price.scaleb(MINOR_UNITS[currency]))
    sign = -1 if minor < 0 else 1
    share, remainder = divmod(abs(minor), nights)
    shares = [sign * (share + (1 if index < remainder else 0)) for index in range(nights)]
    return [Decimal(units).scaleb(-MINOR_UNITS[currency]) for units in shares]


# --- Bookings -----------------------------------------------------------------------------------------------------------


def nights_of(booking):
    return (booking.checkout - booking.checkin).days


def is_realised(booking, tells_payments):
    """Confirmed, and paid for or going to be where the source tells it (4.0 Status; 5 BKG-STATUS, BKG-PAYMENT)."""
    return booking.status == "confirmed" and (not tells_payments or booking.payment in PAYMENTS)


def stay_of(booking, attributes, rates, settings):
    """A realised booking with its place as known when it was made, and its revenue at the rate of that day (4.0, 4.3)."""
    known = attributes_on(attributes, booking.apartment_id, booking.booked_on)
    place = (folded(known.city), folded(known.state) or "") if known.city else UNKNOWN_CITY
    spelling = (known.city, known.state or "") if known.city else UNKNOWN_CITY
    rate = rate_on(booking.currency, booking.booked_on, rates, settings)
    nights = [booking.checkin + index * ONE_DAY for index in range(nights_of(booking))]
    if booking.total_price is None or rate is None:
        return Stay(booking, place, spelling, None, dict.fromkeys(nights))
    shares = nightly_shares(booking.total_price, booking.currency, len(nights))
    nightly = {night: share * rate for night, share in zip(nights, shares)}
    return Stay(booking, place, spelling, booking.total_price * rate, nightly)


def total(values):
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def ranks(keys):
    """RANK() of each name by its key, least first: equal keys share a rank and leave a gap (4.3, 4.4)."""
    return {name: 1 + sum(other < key for other in keys.values()) for name, key in keys.items()}


# --- Periods and presentation -------------------------------------------------------------------------------------------


def week_of(day):
    """Monday of the ISO week (4.0)."""
    return day - day.weekday() * ONE_DAY


def month_of(day):
    return day.replace(day=1)


def last_day(month):
    return month_of(month + 31 * ONE_DAY) - ONE_DAY


def week_is_complete(week, run_date):
    """A period is complete when its end lies before the run date (6.3)."""
    return week + 6 * ONE_DAY < run_date


def rounded(value, places):
    """The value with this many decimals, half away from zero (6.9); None stays."""
    if value is None:
        return None
    scaled = abs(Fraction(value)) * 10**places
    units = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(units if value >= 0 else -units).scaleb(-places) + 0


def money(value):
    return rounded(value, 2)


def ratio(numerator, denominator):
    return rounded(Fraction(numerator, denominator), 6) if denominator else None


def mean(values):
    return Fraction(sum(values)) / len(values) if values else None


def percentile(values, share):
    """PERCENTILE_CONT: between the two values around the place, in proportion (6.10)."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return Fraction(ordered[below]) + (place - below) * Fraction(ordered[above] - ordered[below])


def common_basis(bases):
    """observed or reconstructed where all are, otherwise mixed; None without any (4.0, History)."""
    found = set(bases)
    if len(found) > 1:
        return "mixed"
    return found.pop() if found else None


def grouped(items, key):
    groups = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


# --- The metrics --------------------------------------------------------------------------------------------------------


def average_listing_price(days, run_date):
    """4.1 and 6.2: per week and price type, over the listing-days that have a positive price and a rate."""
    rows = []
    for (week, price_type), group in grouped(days, lambda day: (week_of(day.day), day.price_type)).items():
        positive = [day for day in group if day.price is not None and day.price > 0]
        priced = [day for day in positive if day.price_rc is not None]
        week_end = min(week + 6 * ONE_DAY, run_date)
        prices = [day.price_rc for day in priced]
        rows.append({
            "week_start": week,
            "price_type": price_type,
            "price_sum_rc": money(total(prices)),
            "priced_days": len(priced),
            "listings": len({day.apartment_id for day in priced}),
            "average_price_rc": money(mean(prices)),
            "median_price_rc": money(percentile(prices, Fraction(1, 2))),
            "avg_price_week_end": money(mean([day.price_rc for day in priced if day.day == week_end])),
            "native_averages": native_averages(positive),
            "unpriced_days": len(group) - len(positive),
            "unconverted_rows": len(positive) - len(priced),
            "basis": common_basis(day.basis for day in group),
            "is_complete": week_is_complete(week, run_date),
        })
    return rows


def native_averages(days):
    """The averages per currency before conversion, such as `EUR 120.50; USD 99.10`."""
    by_currency = grouped((day for day in days if day.currency), lambda day: day.currency)
    averages = [f"{code} {money(mean([day.price for day in by_currency[code]]))}" for code in sorted(by_currency)]
    return "; ".join(averages) or None


def occupancy_rate(days, stays, listings, run_date):
    """4.2 and 6.11: listing-nights per month, each once however often it was sold."""
    listed = {(day.apartment_id, day.day): day.basis for day in days}
    sold = {(stay.booking.apartment_id, night) for stay in stays for night in stay.nightly}
    occupied = {(listing, night) for listing, night in sold if night <= run_date}
    by_month = grouped(listed.keys() | sold, lambda place: month_of(place[1]))
    rows = []
    for month, places in sorted(by_month.items()):
        in_month = {(listing, night) for listing, night in places if night <= run_date}
        booked = in_month & occupied
        engaged = {listing for listing, _ in booked}
        calendar_nights = len({listing for listing, _ in in_month}) * last_day(month).day
        engaged_nights = sum(listing in engaged for listing, _ in in_month)
        bases = [listed.get(place) or listing_on(listings, *place)[1] for place in in_month]
        rows.append({
            "month_start": month,
            "occupied_nights": len(booked),
            "sellable_nights": len(in_month),
            "occupancy_rate": ratio(len(booked), len(in_month)),
            "on_the_books_nights": len(places) - len(in_month),
            "unlisted_nights": len(booked - listed.keys()),
            "engaged_nights": engaged_nights,
            "occupancy_engaged": ratio(len(booked), engaged_nights),
            "calendar_nights": calendar_nights,
            "occupancy_calendar": ratio(len(booked), calendar_nights),
            "basis": common_basis(bases),
            "is_complete": last_day(month) < run_date,
        })
    return rows


def popular_locations(stays, run_date):
    """4.3 and 6.6: realised bookings per week of booking and city; a city that is only stayed at has no rank."""
    names = display_names(stays)
    booked = grouped((stay for stay in stays if stay.booking.booked_on), lambda stay: week_of(stay.booking.booked_on))
    stayed = defaultdict(list)
    for stay in stays:
        for week in {week_of(night) for night in stay.nightly if night <= run_date}:
            stayed[week].append(stay)
    rows = []
    for week in sorted(booked.keys() | stayed.keys()):
        by_place = grouped(booked[week], lambda stay: stay.place)
        staying = Counter(stay.place for stay in stayed[week])
        places = ranks({
            place: location_key(place, group) for place, group in by_place.items() if place != UNKNOWN_CITY
        })
        for place in by_place.keys() | staying.keys():
            group = by_place.get(place, [])
            rows.append({
                "week_start": week,
                "city": names[place][0],
                "state": names[place][1],
                "location_rank": places.get(place),
                "bookings": len(group),
                "booked_nights": sum(nights_of(stay.booking) for stay in group),
                "booked_revenue_rc": money(total(stay.revenue for stay in group)),
                "unconverted_rows": sum(stay.revenue is None for stay in group),
                "bookings_by_stay_week": staying[place],
                "is_complete": week_is_complete(week, run_date),
            })
    return rows


def location_key(place, group):
    """Most bookings first, then most nights, then most revenue with NULL last, then city and state by bytes (4.3, 6.6)."""
    revenue = total(stay.revenue for stay in group)
    nights = sum(nights_of(stay.booking) for stay in group)
    return (-len(group), -nights, revenue is None, -(revenue or 0), *(name.encode() for name in place))


def display_names(stays):
    """The most frequent spelling of each city with its state among all realised bookings, ties by bytes (6.6)."""
    by_place = grouped(stays, lambda stay: stay.place)
    return {place: most_frequent(stay.spelling for stay in group) for place, group in by_place.items()}


def most_frequent(spellings):
    counts = Counter(spellings)
    return min(counts, key=lambda spelling: (-counts[spelling], *(name.encode() for name in spelling)))


def top_listings(stays, tells_payments, run_date):
    """4.4 and 6.7: what each listing earned per week, night by night."""
    nights = defaultdict(list)
    booked = defaultdict(list)
    for stay in stays:
        listing = stay.booking.apartment_id
        for night, revenue in stay.nightly.items():
            nights[week_of(night), listing].append((stay, night, revenue))
        if stay.booking.booked_on:
            booked[week_of(stay.booking.booked_on), listing].append(stay)
    rows = []
    for week, group in sorted(grouped(nights.keys() | booked.keys(), lambda key: key[0]).items()):
        earned = {
            key: total(revenue for _, night, revenue in nights.get(key, []) if night <= run_date) for key in group
        }
        places = ranks({key: -revenue for key, revenue in earned.items() if revenue is not None})
        for key in group:
            sales = top_listing(nights.get(key, []), booked.get(key, []), tells_payments, run_date)
            rows.append({
                "week_start": week,
                "apartment_id": key[1],
                "revenue_rank": places.get(key),
                **sales,
                "is_complete": week_is_complete(week, run_date),
            })
    return rows


def top_listing(nights, booked, tells_payments, run_date):
    """What the nights and the new bookings of a listing in one week add up to."""
    earned = [part for part in nights if part[1] <= run_date]
    on_the_books = [part for part in nights if part[1] > run_date]
    earned_revenue = revenue_of_nights(earned)
    converted_nights = sum(revenue is not None for _, _, revenue in earned)
    paid = [revenue for stay, _, revenue in earned if stay.booking.payment == "paid"]
    paid_revenue = None if earned_revenue is None else total(paid) or 0
    return {
        "earned_revenue_rc": money(earned_revenue),
        "nights": len(earned),
        "converted_nights": converted_nights,
        "adr_rc": money(Fraction(earned_revenue) / converted_nights) if converted_nights else None,
        "paid_revenue_rc": money(paid_revenue) if tells_payments else None,
        "on_the_books_revenue_rc": money(revenue_of_nights(on_the_books)),
        "bookings": len(booked),
        "booked_revenue_rc": money(total(stay.revenue for stay in booked)),
        "unconverted_rows": sum(stay.revenue is None for stay in booked),
    }


def revenue_of_nights(nights):
    """0 without nights, None where none of them can be converted (6.7)."""
    return total(revenue for _, _, revenue in nights) if nights else Decimal(0)


def bookings_per_user(standing, tells_payments, run_date):
    """4.5 and 6.10: per week of booking and user, without rows of zero."""
    rows = []
    dated = [booking for booking in standing if booking.booked_on]
    for week, in_week in sorted(grouped(dated, lambda booking: week_of(booking.booked_on)).items()):
        for user, group in sorted(grouped(in_week, lambda booking: booking.user_id).items()):
            realised = sum(is_realised(booking, tells_payments) for booking in group)
            if realised:
                rows.append({
                    "week_start": week,
                    "user_id": user,
                    "bookings": realised,
                    "bookings_all_statuses": len(group),
                    "week_bookings_all_statuses": len(in_week),
                    "is_complete": week_is_complete(week, run_date),
                })
    return rows


def booking_duration(stays, run_date):
    """4.6: nights of realised bookings by week and by month of check-in, up to the run date."""
    begun = [stay.booking for stay in stays if stay.booking.checkin <= run_date]
    rows = []
    for period_type, start_of in (("month", month_of), ("week", week_of)):
        for start, group in sorted(grouped(begun, lambda booking: start_of(booking.checkin)).items()):
            nights = [nights_of(booking) for booking in group]
            long_stays = sum(length >= 28 for length in nights)
            rows.append({
                "period_type": period_type,
                "period_start": start,
                "nights": sum(nights),
                "bookings": len(nights),
                "average_nights": ratio(sum(nights), len(nights)),
                "median_nights": rounded(percentile(nights, Fraction(1, 2)), 2),
                "p90_nights": rounded(percentile(nights, Fraction(9, 10)), 2),
                "long_stays": long_stays,
                "long_stay_share": ratio(long_stays, len(nights)),
                "is_complete": (last_day(start) if period_type == "month" else start + 6 * ONE_DAY) < run_date,
            })
    return rows


def repeat_customer_rate(standing, stays, run_date):
    """4.7: for each day, users with two or more realised bookings in the 30 days that end on it."""
    first_day = min((booking.booked_on for booking in standing if booking.booked_on), default=run_date + ONE_DAY)
    booked = grouped((stay.booking for stay in stays), lambda booking: booking.booked_on)
    rows = []
    day = first_day
    while day <= run_date:
        window = [booking for age in range(30) for booking in booked.get(day - age * ONE_DAY, [])]
        by_user = grouped(window, lambda booking: booking.user_id).values()
        repeat = sum(len(group) >= 2 for group in by_user)
        on_several_days = sum(len({booking.booked_on for booking in group}) >= 2 for group in by_user)
        rows.append({
            "day": day,
            "repeat_users": repeat,
            "users": len(by_user),
            "repeat_customer_rate": ratio(repeat, len(by_user)),
            "repeat_users_excluding_same_day": on_several_days,
            "repeat_excluding_same_day": ratio(on_several_days, len(by_user)),
            "is_complete": first_day + 29 * ONE_DAY <= day < run_date,
        })
        day += ONE_DAY
    return rows


# --- The views ----------------------------------------------------------------------------------------------------------


def average_listing_price_all_types(published):
    """One row per week over all price types, from the published sums."""
    rows = []
    for week, group in sorted(grouped(published, lambda row: row["week_start"]).items()):
        price_sum = total(row["price_sum_rc"] for row in group)
        priced_days = sum(row["priced_days"] for row in group)
        rows.append({
            "week_start": week,
            "price_sum_rc": money(price_sum),
            "priced_days": priced_days,
            "average_price_rc": money(Fraction(price_sum) / priced_days) if priced_days else None,
            "unpriced_days": sum(row["unpriced_days"] for row in group),
            "unconverted_rows": sum(row["unconverted_rows"] for row in group),
            "is_complete": group[0]["is_complete"],
        })
    return rows


def booking_users(published):
    """4.5, companion summary: how many users booked in a week and how much."""
    rows = []
    for week, group in sorted(grouped(published, lambda row: row["week_start"]).items()):
        bookings = sum(row["bookings"] for row in group)
        rows.append({
            "week_start": week,
            "booking_users": len(group),
            "bookings": bookings,
            "bookings_per_booking_user": ratio(bookings, len(group)),
            "bookings_all_statuses": group[0]["week_bookings_all_statuses"],
            "is_complete": group[0]["is_complete"],
        })
    return rows


def weekly_rental_performance(published):
    """What was booked, stayed and earned in each week, from the published rows."""
    users = Counter(row["week_start"] for row in published["bookings_per_user"])
    stays = {row["period_start"]: row for row in published["booking_duration"] if row["period_type"] == "week"}
    cities = {row["week_start"]: row for row in published["popular_locations"] if row["location_rank"] == 1}
    rows = []
    for week, group in grouped(published["top_listings"], lambda row: row["week_start"]).items():
        duration = stays.get(week, {"bookings": 0, "average_nights": None, "median_nights": None})
        location = cities.get(week, {"city": None, "state": None, "bookings": None})
        earned = total(row["earned_revenue_rc"] for row in group)
        converted_nights = sum(row["converted_nights"] for row in group)
        rows.append({
            "week_start": week,
            "bookings": sum(row["bookings"] for row in group),
            "booking_users": users[week],
            "booked_revenue_rc": total(row["booked_revenue_rc"] for row in group),
            "unconverted_rows": sum(row["unconverted_rows"] for row in group),
            "checkins": duration["bookings"],
            "average_nights": duration["average_nights"],
            "median_nights": duration["median_nights"],
            "listings_with_nights": sum(row["nights"] > 0 for row in group),
            "nights": sum(row["nights"] for row in group),
            "converted_nights": converted_nights,
            "earned_revenue_rc": earned,
            "adr_rc": money(Fraction(earned) / converted_nights) if converted_nights else None,
            "on_the_books_revenue_rc": total(row["on_the_books_revenue_rc"] for row in group),
            "top_city": location["city"],
            "top_state": location["state"],
            "top_city_bookings": location["bookings"],
            "is_complete": group[0]["is_complete"],
        })
    return rows


def monthly_rental_performance(published):
    """Occupancy, length of stay and, at the end of each month, the repeat rate, from the published rows."""
    stays = {row["period_start"]: row for row in published["booking_duration"] if row["period_type"] == "month"}
    # Days ascend, so the last one of a month stays.
    rates = {month_of(row["day"]): row for row in published["repeat_customer_rate"]}
    no_stay = {"bookings": 0, "average_nights": None, "median_nights": None, "long_stay_share": None}
    no_rate = {"day": None, "users": None, "repeat_users": None, "repeat_customer_rate": None}
    rows = []
    for occupancy in published["occupancy_rate"]:
        duration = stays.get(occupancy["month_start"], no_stay)
        rate = rates.get(occupancy["month_start"], no_rate)
        rows.append({
            "month_start": occupancy["month_start"],
            "occupied_nights": occupancy["occupied_nights"],
            "sellable_nights": occupancy["sellable_nights"],
            "occupancy_rate": occupancy["occupancy_rate"],
            "on_the_books_nights": occupancy["on_the_books_nights"],
            "occupancy_basis": occupancy["basis"],
            "checkins": duration["bookings"],
            "average_nights": duration["average_nights"],
            "median_nights": duration["median_nights"],
            "long_stay_share": duration["long_stay_share"],
            "measured_on": rate["day"],
            "users_of_30_days": rate["users"],
            "repeat_users_of_30_days": rate["repeat_users"],
            "repeat_customer_rate": rate["repeat_customer_rate"],
            "is_complete": occupancy["is_complete"],
        })
    return rows


def weekly_user_engagement(published, run_date):
    """How many users booked, how much, how long they stayed and, at the end of each week, the repeat rate."""
    users = {row["week_start"]: row for row in booking_users(published["bookings_per_user"])}
    stays = {row["period_start"]: row for row in published["booking_duration"] if row["period_type"] == "week"}
    rates = {week_of(row["day"]): row for row in published["repeat_customer_rate"]}
    no_user = {"booking_users": 0, "bookings": 0, "bookings_per_booking_user": None}
    no_stay = {"bookings": 0, "average_nights": None, "median_nights": None}
    rows = []
    for week, rate in rates.items():
        booked = users.get(week, no_user)
        duration = stays.get(week, no_stay)
        rows.append({
            "week_start": week,
            "booking_users": booked["booking_users"],
            "bookings": booked["bookings"],
            "bookings_per_booking_user": booked["bookings_per_booking_user"],
            "checkins": duration["bookings"],
            "average_nights": duration["average_nights"],
            "median_nights": duration["median_nights"],
            "measured_on": rate["day"],
            "users_of_30_days": rate["users"],
            "repeat_users_of_30_days": rate["repeat_users"],
            "repeat_customer_rate": rate["repeat_customer_rate"],
            "is_complete": week + timedelta(days=6) < run_date,
        })
    return rows


# --- Runs ---------------------------------------------------------------------------------------------------------------


class Oracle:
    """What the runs so far have seen."""

    def __init__(self, settings):
        self.settings = settings
        self.listings = History()
        self.attributes = History()

    def run(self, folder, run_date):
        """The rows of every metric and view after a run over the source state in this folder."""
        settings = self.settings
        self.listings.observe(run_date, read_apartments(folder, settings))
        self.attributes.observe(run_date, read_attributes(folder))
        rates = read_rates(folder)
        bookings, tells_payments = read_bookings(folder, settings)
        # A booking of a listing that this and all earlier snapshots lack waits in quarantine (5, BKG-REF-APARTMENT).
        standing = [booking for booking in bookings if booking.apartment_id in self.listings.first_sights]
        realised = [booking for booking in standing if is_realised(booking, tells_payments)]
        stays = [stay_of(booking, self.attributes, rates, settings) for booking in realised]
        days = listing_days(self.listings, self.attributes, rates, run_date, settings)
        published = {
            "average_listing_price": average_listing_price(days, run_date),
            "booking_duration": booking_duration(stays, run_date),
            "bookings_per_user": bookings_per_user(standing, tells_payments, run_date),
            "occupancy_rate": occupancy_rate(days, stays, self.listings, run_date),
            "popular_locations": popular_locations(stays, run_date),
            "repeat_customer_rate": repeat_customer_rate(standing, stays, run_date),
            "top_listings": top_listings(stays, tells_payments, run_date),
        }
        return published | {
            "average_listing_price_all_types": average_listing_price_all_types(published["average_listing_price"]),
            "booking_users": booking_users(published["bookings_per_user"]),
            "monthly_rental_performance": monthly_rental_performance(published),
            "weekly_rental_performance": weekly_rental_performance(published),
            "weekly_user_engagement": weekly_user_engagement(published, run_date),
        }


def written(value):
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def write_rows(file, rows):
    """Writes the rows in the order of their values, the first column first."""
    with open(file, "w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows(sorted([written(value) for value in row.values()] for row in rows))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--in", dest="history", type=Path, required=True)
    parser.add_argument("--out", dest="results", type=Path, required=True)
    parser.add_argument("--source-timezone", type=ZoneInfo, default=ZoneInfo("Europe/Berlin"))
    parser.add_argument("--reporting-timezone", type=ZoneInfo, default=ZoneInfo("America/New_York"))
    parser.add_argument("--reporting-currency", default="USD")
    parser.add_argument("--fx-max-age-days", type=int, default=7)
    parser.add_argument("--max-nights", type=int, default=365)
    return parser.parse_args()


def main():
    given = arguments()
    oracle = Oracle(Settings(**{name: getattr(given, name) for name in Settings._fields}))
    for run in read_rows(given.history / "runs.csv"):
        name = f"run-{run['run']}"
        results = oracle.run(given.history / name, date.fromisoformat(run["run_date"]))
        (given.results / name).mkdir(parents=True, exist_ok=True)
        for metric, rows in results.items():
            write_rows(given.results / name / f"{metric}.csv", rows)


if __name__ == "__main__":
    main()
