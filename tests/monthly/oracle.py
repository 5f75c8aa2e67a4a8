"""Volume tiers, commitments, fees and shares, slow and obvious: call by call, in fractions, rounded at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.monthly.facts import KNOWN_FROM, Rule, Use

UTC = timezone.utc
Line = tuple[date, int, str, Decimal]
"""Month, contract, kind, amount."""


def rounded(exact: Fraction) -> Decimal:
    """Round half up, away from zero, to 12 decimals."""
    atoms, rest = divmod(abs(exact) * 10**12, 1)
    whole = int(atoms) + (rest >= Fraction(1, 2))
    sign, digits = ("-" if exact < 0 else ""), f"{whole:013d}"
    return Decimal(f"{sign}{digits[:-12]}.{digits[-12:]}")


def month_of(at: datetime, zone: ZoneInfo) -> date:
    """Return the first day of a moment's month."""
    local = at.astimezone(zone)
    return date(local.year, local.month, 1)


def next_month(month: date) -> date:
    """Return the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def counted(rule: Rule, uses: Sequence[Use]) -> list[Use]:
    """Return the calls under a contract, in the order of time; one whose cost it cannot count costs nothing here."""
    chosen = [use for use in uses if rule.rule_id in use.terms and rule.holds(use.at)]
    known = [use if use.currency == rule.currency else replace(use, cost=None) for use in chosen]
    return sorted(known, key=lambda use: use.at)


def multiplier(rule: Rule, reach: Fraction) -> Fraction:
    """Return the multiplier of the tier reached: a tier begins above its limit, not at it."""
    found = Fraction(1)
    for over, factor in sorted(rule.tiers):
        if reach > Fraction(over):
            found = Fraction(factor)
    return found


def limits(rule: Rule) -> Iterator[tuple[Fraction, Fraction | None, Fraction]]:
    """Yield each tier's band, and how its multiplier differs from 1."""
    tiers = sorted(rule.tiers)
    for (over, factor), after in zip(tiers, [*tiers[1:], None], strict=False):
        yield Fraction(over), Fraction(after[0]) if after else None, Fraction(factor) - 1


def sliced(rule: Rule, start: Fraction, size: Fraction) -> Fraction:
    """Return what one piece of spend, placed at the start, gets off: slice by slice."""
    end, off = start + size, Fraction(0)
    for over, up_to, change in limits(rule):
        top = end if up_to is None else min(end, up_to)
        off += max(top - max(start, over), Fraction(0)) * change
    return off


def volume(rule: Rule, uses: Sequence[Use], zone: ZoneInfo) -> Iterator[Line]:
    """Yield a contract's volume adjustments by month."""
    how = {("spend", "graduated"): _by_slices, ("tokens", "graduated"): _by_token_slices}
    months: dict[date, list[Use]] = defaultdict(list)
    for use in counted(rule, uses):
        months[month_of(use.at, zone)].append(use)
    before: list[Use] = []
    for month in sorted(months):
        if rule.period == "month":
            before = []
        amount = how.get((rule.by or "", rule.method), _all_units)(rule, before, months[month])
        if amount:
            yield month, rule.rule_id, "volume", amount
        before = before + months[month]


def spend(uses: Sequence[Use]) -> Fraction:
    """Sum the costs."""
    return sum((Fraction(use.cost or 0) for use in uses), Fraction(0))


def _by_slices(rule: Rule, before: Sequence[Use], now: Sequence[Use]) -> Decimal:
    place = off = Fraction(0)
    marks = []
    for uses in (before, now):
        for use in uses:
            off += sliced(rule, place, Fraction(use.cost or 0))
            place += Fraction(use.cost or 0)
        marks.append(rounded(off))
    return marks[1] - marks[0]


def _all_units(rule: Rule, before: Sequence[Use], now: Sequence[Use]) -> Decimal:
    def off(uses: Sequence[Use]) -> Decimal:
        reach = Fraction(sum(use.tokens for use in uses)) if rule.by == "tokens" else spend(uses)
        return rounded(spend(uses) * (multiplier(rule, reach) - 1))

    return off([*before, *now]) - off(before)


def _by_token_slices(rule: Rule, before: Sequence[Use], now: Sequence[Use]) -> Decimal:
    start, size = sum(use.tokens for use in before), sum(use.tokens for use in now)
    if not size:
        return rounded(spend(now) * (multiplier(rule, Fraction(start)) - 1))

    def money_up_to(limit: Fraction | None) -> Fraction:
        inside = Fraction(size) if limit is None else min(max(limit - start, Fraction(0)), Fraction(size))
        return Fraction(rounded(spend(now) * inside / size))

    return rounded(
        sum(((money_up_to(up_to) - money_up_to(over)) * change for over, up_to, change in limits(rule)), Fraction(0))
    )


def draws(rules: Sequence[Rule], uses: Sequence[Use], zone: ZoneInfo) -> dict[int, dict[date, Fraction]]:
    """Return what each commitment paid for, by month: call by call, from the first commitment that has something left."""
    first, ends = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
    turns = sorted(
        (rule for rule in rules if rule.commitment is not None and rule.superseded_at is None),
        key=lambda rule: (rule.until or ends, rule.since or first, rule.rule_id),
    )
    left = {rule.rule_id: Fraction(rule.commitment or 0) for rule in turns}
    drawn: dict[int, dict[date, Fraction]] = {rule.rule_id: defaultdict(Fraction) for rule in turns}

    def eligible(use: Use) -> list[int]:
        return [turn for turn, rule in enumerate(turns) if spend(counted(rule, [use]))]

    def order(use: Use) -> tuple[date, date, int, list[int]]:
        return use.at.astimezone(UTC).date(), month_of(use.at, zone), len(eligible(use)), eligible(use)

    for use in sorted(uses, key=order):
        open_amount = Fraction(use.cost or 0)
        for rule in (turns[turn] for turn in eligible(use)):
            taken = min(open_amount, left[rule.rule_id])
            open_amount -= taken
            left[rule.rule_id] -= taken
            drawn[rule.rule_id][month_of(use.at, zone)] += taken
    return drawn


def committed(rule: Rule, drawn: Mapping[date, Fraction], zone: ZoneInfo, now: datetime) -> Iterator[Line]:
    """Yield what a commitment adds: the discount on what is drawn, and what was never used."""
    bought = Fraction(rule.commitment or 0)
    paid = Fraction(rule.commitment if rule.price is None else rule.price)  # type: ignore[arg-type]
    total = Fraction(0)
    for month in sorted(month for month, amount in drawn.items() if amount):
        before, total = total, total + drawn[month]
        change = rounded(paid * total / bought) - rounded(paid * before / bought)
        yield month, rule.rule_id, "commitment_discount", change - rounded(drawn[month])
    if rule.until and rule.until <= now and total < bought:
        last = month_of(rule.until - timedelta(microseconds=1), zone)
        yield last, rule.rule_id, "commitment_unused", rounded(paid) - rounded(paid * total / bought)


def fees(rule: Rule, zone: ZoneInfo, now: datetime) -> Iterator[Line]:
    """Yield a contract's fees by month, up to now."""
    since = rule.since or KNOWN_FROM
    until = min(now, rule.until or now)
    amount = Fraction(rule.fee or 0) * Fraction(1 if rule.quantity is None else rule.quantity)
    month = month_of(since, zone)
    while since < until and (begins := datetime(month.year, month.month, 1, tzinfo=zone)) < until:
        after = next_month(month)
        ends = datetime(after.year, after.month, 1, tzinfo=zone)
        first, last = max(since, begins.astimezone(UTC)), min(until, ends.astimezone(UTC))
        units = [_units(rule.per, at, since, begins.astimezone(UTC), ends.astimezone(UTC)) for at in (first, last)]
        yield month, rule.rule_id, "fee", rounded(amount * units[1]) - rounded(amount * units[0])
        month = after
        if rule.per == "once":
            return


def _units(per: str | None, at: datetime, since: datetime, begins: datetime, ends: datetime) -> Fraction:
    """Return how many hours had gone since the beginning, what part of the month, or whether it had begun."""
    second = timedelta(seconds=1)
    if per == "hour":
        return Fraction((at - since) // second, 3600)
    return Fraction((at - begins) // second, (ends - begins) // second) if per == "month" else Fraction(at > since)


def adjustments(rules: Sequence[Rule], uses: Sequence[Use], zone: ZoneInfo, now: datetime) -> list[Line]:
    """Return every adjustment that follows from the contracts."""
    found: list[Line] = []
    drawn = draws(rules, uses, zone)
    for rule in (rule for rule in rules if rule.superseded_at is None):
        found += volume(rule, uses, zone) if rule.by else ()
        found += committed(rule, drawn[rule.rule_id], zone, now) if rule.commitment is not None else ()
        found += fees(rule, zone, now) if rule.fee is not None else ()
    return sorted(found)


@dataclass(frozen=True)
class Share:
    """What part of a fee one group of calls carries."""

    key: tuple[str, str, str]
    tokens: int
    amount: Decimal


def shares(amount: Decimal, tokens: Mapping[tuple[str, str, str], int]) -> list[Share]:
    """Deal an amount out by tokens, in parts of 1e-12; what is left goes to the largest remainders."""
    whole, atoms = sum(tokens.values()), int(amount.scaleb(12))
    parts = {key: divmod(atoms * count, whole) for key, count in tokens.items()}
    left = atoms - sum(quotient for quotient, _ in parts.values())
    ranked = sorted(parts, key=lambda key: (-parts[key][1], -tokens[key], key))
    extra = set(ranked[:left])
    return [Share(key, tokens[key], Decimal(parts[key][0] + (key in extra)).scaleb(-12)) for key in parts]
