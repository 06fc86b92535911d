"""Giving time credits, paying with them, holding deposits, agreeing how far below zero one may go, and the fund.

Features above call `available`, `pay`, `hold_deposit`, `release_deposit` and `pay_fund`. Each verb locks all accounts
it moves between at once, before it looks at anything.
"""

from collections.abc import Collection

import sqlalchemy as sa

from marketplace.civic.accounts import queries as accounts
from marketplace.civic.accounts.models import Person
from marketplace.civic.credits import errors, policy, queries
from marketplace.civic.credits.models import CITY, TIME, Deposit, FundPayment, Grant, Kind, Overdraft, Why, show
from marketplace.civic.notifications import service as notifications
from marketplace.kernel import audit, clock, db, ledger, money
from marketplace.kernel.access import permit
from marketplace.kernel.ledger import Account
from marketplace.kernel.things import subject

# --- accounts ---


def wallet(person: Person) -> Account:
    """Where a person's time credits are."""
    return ledger.open_account(subject("person", person.id), Kind.WALLET, TIME)


def available(person: Person) -> int:
    """How much a person can pay or put down, which stays so until the transaction ends."""
    account = wallet(person)
    ledger.lock(account)
    return account.available or 0


def _issue(unit: str = TIME) -> Account:
    """Where the city's credits come from and go back to."""
    return ledger.open_account(CITY, Kind.ISSUE, unit, floor=None)


def _fund() -> Account:
    return ledger.open_account(CITY, Kind.FUND, money.currency())


def _move(
    source: Account, target: Account, amount: int, why: Why, about: str, *, key: str, by: int | None, reason: str = ""
) -> None:
    """Move an amount, once for each key, and tell those whose wallets it is about, but whoever had it made."""
    ledger.lock(source, target)
    is_new = ledger.movement(key) is None
    try:
        ledger.move(source, target, amount, why=why, subject=about, key=key, by=by)
    except ledger.NotEnough as refusal:
        raise errors.TooFewCredits(amount=show(amount), there=show(refusal.there)) from refusal
    for account, news in ((source, "less"), (target, "more")):
        person_id = _holder(account)
        if is_new and person_id not in (None, by):
            told = {"amount": amount, "why": why.value, "reason": reason}
            notifications.tell(person_id, f"credits.{news}", subject("account", person_id), **told)


def _holder(account: Account) -> int | None:
    """Whose wallet it is, if it is one."""
    return int(account.owner.partition(":")[2]) if account.kind == Kind.WALLET else None


# --- between residents ---


def pay(payer: Person, payee: Person, amount: int, about: str, *, by: int | None = None) -> None:
    """Move time credits that two people agreed on for a thing, such as loan:5; done again, it moves nothing.

    Raises TooFewCredits.
    """
    _move(wallet(payer), wallet(payee), amount, Why.PAID, about, key=f"paid {about}", by=by)


# --- given by staff ---


def give(staff: Person, person: Person, amount: int, reason: str) -> Grant:
    """Give someone time credits for what they did. Raises ToYourself, NothingGiven, MuchAtOnce or MuchInAMonth."""
    permit(policy.may_give, staff)
    _expect_other(staff, person)
    if not 0 < amount <= policy.MOST_AT_ONCE:
        raise _no_such_amount(amount, policy.MOST_AT_ONCE)
    to, issue = wallet(person), _issue()
    ledger.lock(to, issue)  # so that what was given within a month stays true
    left = policy.MOST_IN_A_MONTH - queries.granted_within_a_month(person)
    if amount > left:
        raise errors.MuchInAMonth(field="hours", most=show(policy.MOST_IN_A_MONTH), left=show(left))
    grant = Grant(person_id=person.id, amount=amount, reason=reason, made_by_id=staff.id)
    db.session.add(grant)
    db.session.flush()
    about = subject(queries.GRANT, grant.id)
    _move(issue, to, amount, Why.GRANTED, about, key=f"granted {about}", by=staff.id, reason=reason)
    audit.record(staff.id, "credits.given", subject("person", person.id), amount=amount, grant=grant.id)
    return grant


def take_back(staff: Person, grant: Grant) -> None:
    """Undo a grant made by mistake. Raises TakenBack, or SpentAlready if the credits are not there any more."""
    permit(policy.may_give, staff)
    person = db.session.get_one(Person, grant.person_id)
    _expect_other(staff, person)
    source, issue = wallet(person), _issue()
    ledger.lock(source, issue)
    grant = queries.get_grant(grant.id, lock=True)
    if grant.taken_back_at is not None:
        raise errors.TakenBack
    grant.taken_back_at = clock.now()
    db.session.flush()
    about = subject(queries.GRANT, grant.id)
    try:
        _move(source, issue, grant.amount, Why.TAKEN_BACK, about, key=f"taken back {about}", by=staff.id)
    except errors.TooFewCredits as refusal:
        raise errors.SpentAlready from refusal
    audit.record(staff.id, "credits.taken_back", subject("person", person.id), amount=grant.amount, grant=grant.id)


def _expect_other(staff: Person, person: Person) -> None:
    if staff.id == person.id:
        raise errors.ToYourself(field="email")


def _no_such_amount(amount: int, most: int) -> errors.NothingGiven | errors.MuchAtOnce:
    too_much = errors.MuchAtOnce(field="hours", most=show(most))
    return too_much if amount > 0 else errors.NothingGiven(field="hours")


# --- deposits ---


def hold_deposit(person: Person, amount: int, about: str, *, unit: str = TIME, by: int | None = None) -> Deposit:
    """Put something down for a thing such as loan:5. Time credits are held; money is a promise between the two.

    Raises DepositOpen if the person did so already, or TooFewCredits.
    """
    source = wallet(person)
    ledger.lock(source)  # so that nobody puts down twice for one thing
    if any(one.person_id == person.id for one in queries.deposits_for(about)):
        raise errors.DepositOpen
    deposit = Deposit(subject=about, person_id=person.id, unit=unit, amount=amount)
    db.session.add(deposit)
    db.session.flush()
    if deposit.is_held:
        key = f"deposited {deposit.id}"
        _move(source, _held(deposit), amount, Why.DEPOSITED, about, key=key, by=by)
    return deposit


def release_deposit(about: str, *, keep: int = 0, to: Person | None = None, by: int | None = None) -> list[Deposit]:
    """Settle what was put down for a thing: `keep` of it goes to someone, the rest back to whoever put it down.

    to   who gets what is kept; nobody in particular: the city, from where all credits come

    Of several deposits each bears its share of what is kept. Raises NoDeposit or KeptTooMuch.
    """
    settled = queries.deposits_for(about, lock=True)
    if not settled:
        raise errors.NoDeposit
    (unit,) = {one.unit for one in settled}  # what is put down for one thing is of one unit
    amounts = [one.amount for one in settled]
    if not 0 <= keep <= sum(amounts):
        raise errors.KeptTooMuch(field="keep", most=show(sum(amounts), unit))
    for deposit, kept in zip(settled, money.split(keep, amounts), strict=True):
        deposit.kept, deposit.settled_at = kept, clock.now()
    db.session.flush()
    if unit == TIME:
        _give_out(settled, to, by)
    return settled


def lock_deposits(abouts: Collection[str], keepers: Collection[Person | None]) -> None:
    """Lock all accounts between which deposits for these things move, also to whoever keeps some; None: the city.

    Who settles several in one transaction does so first of all.
    """
    deposits = queries.open_deposits(abouts)
    people = sa.and_(Account.kind == Kind.WALLET, Account.owner.in_({subject("person", d.person_id) for d in deposits}))
    held = sa.and_(Account.kind == ledger.HELD, Account.owner.in_({subject("deposit", d.id) for d in deposits}))
    involved = db.session.scalars(sa.select(Account).where(Account.unit == TIME, sa.or_(people, held))).all()
    ledger.lock(*involved, *(wallet(one) if one else _issue() for one in keepers))


def _give_out(settled: list[Deposit], to: Person | None, by: int | None) -> None:
    kept_by = wallet(to) if to else _issue()
    owners = {one.id: wallet(db.session.get_one(Person, one.person_id)) for one in settled}
    held = {one.id: _held(one) for one in settled}
    ledger.lock(*owners.values(), *held.values(), *([kept_by] if any(one.kept for one in settled) else []))
    for one in settled:
        kept = one.kept or 0
        if kept:
            _move(held[one.id], kept_by, kept, Why.KEPT, one.subject, key=f"kept {one.id}", by=by)
        if one.amount > kept:
            key = f"returned {one.id}"
            _move(held[one.id], owners[one.id], one.amount - kept, Why.RETURNED, one.subject, key=key, by=by)


def _held(deposit: Deposit) -> Account:
    """Where a deposit lies: an account of its own, so that settling one never touches another."""
    return ledger.open_account(subject("deposit", deposit.id), ledger.HELD, deposit.unit)


# --- below zero, by agreement ---


def offer(staff: Person, person: Person, most: int) -> Overdraft:
    """Offer someone to go so far below zero; it counts once they agree. Raises OfferedAlready and as `give`."""
    permit(policy.may_give, staff)
    _expect_other(staff, person)
    if not 0 < most <= policy.MOST_BELOW:
        raise _no_such_amount(most, policy.MOST_BELOW)
    accounts.one_at_a_time(person.id)
    if queries.overdraft_of(person) is not None:
        raise errors.OfferedAlready(field="email")
    made = Overdraft(person_id=person.id, most=most, offered_by_id=staff.id)
    db.session.add(made)
    db.session.flush()
    audit.record(staff.id, "credits.offered", subject("person", person.id), most=most)
    notifications.tell(person.id, "credits.offered", subject("account", person.id), most=most)
    return made


def agree(person: Person, overdraft: Overdraft) -> None:
    """Accept the city's offer. Raises OfferOver."""
    permit(policy.may_answer, person, overdraft)
    overdraft = queries.get_overdraft(overdraft.id, lock=True)
    if overdraft.ended_at is not None or overdraft.agreed_at is not None:
        raise errors.OfferOver
    overdraft.agreed_at = clock.now()
    ledger.set_floor(wallet(person), -overdraft.most)
    audit.record(person.id, "credits.agreed", subject("person", person.id), most=overdraft.most)


def end(person: Person, overdraft: Overdraft) -> None:
    """Take back an offer, say no to it, or end the agreement. Raises OfferOver, or StillOwed below zero."""
    permit(policy.may_end, person, overdraft)
    overdraft = queries.get_overdraft(overdraft.id, lock=True)
    if overdraft.ended_at is not None:
        raise errors.OfferOver
    account = wallet(db.session.get_one(Person, overdraft.person_id))
    try:
        ledger.set_floor(account, 0)
    except ledger.NotEnough as refusal:
        raise errors.StillOwed(owed=show(-account.balance)) from refusal
    overdraft.ended_at = clock.now()
    db.session.flush()
    audit.record(person.id, "credits.agreement_ended", subject("person", overdraft.person_id))
    if person.id != overdraft.person_id:
        notifications.tell(overdraft.person_id, "credits.ended", subject("account", overdraft.person_id))


# --- the fund ---


def pay_fund(staff: Person, amount: int, reason: str, *, about: str | None = None) -> FundPayment:
    """Put down that money came into the fund or, below zero, went out of it.

    about   what it is for, such as problem:5, if that is on record; the fund pays for it once

    Raises FundTooLow, or PaidAlready.
    """
    permit(policy.may_give, staff)
    outside, fund = _issue(money.currency()), _fund()
    ledger.lock(outside, fund)
    if about and ledger.movement(f"fund {about}"):
        raise errors.PaidAlready
    payment = FundPayment(amount=amount, reason=reason, made_by_id=staff.id)
    db.session.add(payment)
    db.session.flush()
    source, target, why = (outside, fund, Why.PAID_IN) if amount > 0 else (fund, outside, Why.PAID_OUT)
    own = subject("fund_payment", payment.id)
    key = f"fund {about}" if about else own
    try:
        ledger.move(source, target, abs(amount), why=why, subject=about or own, key=key, by=staff.id)
    except ledger.NotEnough as refusal:
        raise errors.FundTooLow(field=None if about else "amount", there=money.show(refusal.there)) from refusal
    audit.record(staff.id, "credits.fund_paid", own, amount=amount, **({"about": about} if about else {}))
    return payment


# --- forgetting ---


def erase(person: Person) -> None:
    """Give the balance back to the city, or have the city bear it, and forget what was agreed and written."""
    account = queries.wallet(person)
    if account is not None:
        issue = _issue()
        ledger.lock(account, issue)
        source, target = (account, issue) if account.balance > 0 else (issue, account)
        if account.balance:
            about, key = subject("person", person.id), f"left {account.id} {account.moved_id}"
            ledger.move(source, target, abs(account.balance), why=Why.LEFT, subject=about, key=key, by=None)
        ledger.set_floor(account, 0)
    db.session.execute(sa.delete(Overdraft).where(Overdraft.person_id == person.id))
    wordless = sa.update(Grant).where(Grant.person_id == person.id).values(reason="")
    db.session.execute(wordless.execution_options(synchronize_session=False))
