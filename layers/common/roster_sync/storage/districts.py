"""The Districts table: settings, schools, the lease and the count of tests of each district."""

import time as clock
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Final

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from roster_sync.domain.audit import Act, AuditEntry, Author, school_altered, school_put
from roster_sync.domain.district import School, Settings, require_own_oneroster_id
from roster_sync.domain.errors import ConflictError, DistrictBusyError, OwnOutageError
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, SourcedId
from roster_sync.domain.lease import Lease
from roster_sync.domain.sign_in import SignIn, SignInMethod
from roster_sync.domain.user import Role
from roster_sync.storage.audit import add_line
from roster_sync.storage.dynamodb import (
    TRANSACTION_CANCELED,
    Bounds,
    connection,
    errors_as_ours,
    outage,
    pauses_s,
    transacted,
    updated,
)

SETTINGS: Final = "settings"
LEASE: Final = "lease"
_TESTS: Final = "tests"
_SCHOOL_PREFIX: Final = "school#"
_SCHOOLS: Final = "schools"
"""Counts the writes of schools."""
_YES: Final = "yes"
_DEFAULTS: Final = Settings(district_id=DistrictId("default"))
"""Of settings that were saved before there was a choice."""


class _ActiveDistricts(GlobalSecondaryIndex["_DistrictItem"]):  # type: ignore[no-untyped-call]  # pynamodb's own
    class Meta:
        index_name = "ActiveDistricts"
        projection = AllProjection()

    active = UnicodeAttribute(hash_key=True)
    district_id = UnicodeAttribute(range_key=True)


class _DistrictItem(Model):
    """An item of the table: settings, the lease, a school, or a count (of tests, of writes), by its range key."""

    class Meta(Bounds):
        table_name = ""

    district_id = UnicodeAttribute(hash_key=True)
    item = UnicodeAttribute(range_key=True)

    active = UnicodeAttribute(null=True)
    active_districts = _ActiveDistricts()
    base_url = UnicodeAttribute(null=True)
    consumer_key = UnicodeAttribute(null=True)
    consumer_secret = BinaryAttribute(null=True, legacy_encoding=False)
    token_url = UnicodeAttribute(null=True)
    sign_in_method = UnicodeAttribute(null=True)
    sign_in_token_url = UnicodeAttribute(null=True)
    products = UnicodeSetAttribute(null=True)
    counselor_metadata_key = UnicodeAttribute(null=True)
    role_metadata_key = UnicodeAttribute(null=True)
    roles: MapAttribute[str, str] = MapAttribute(null=True)  # type: ignore[no-untyped-call]  # pynamodb's own
    metadata_keys: ListAttribute[str] = ListAttribute(null=True)
    deactivation_percent = NumberAttribute(null=True)
    deactivation_minimum = NumberAttribute(null=True)
    change_percent = NumberAttribute(null=True)
    change_minimum = NumberAttribute(null=True)
    limits_lifted_until = UTCDateTimeAttribute(null=True)
    sync_time = UnicodeAttribute(null=True)
    timezone = UnicodeAttribute(null=True)
    nights_from = UnicodeAttribute(null=True)
    nights_after = UTCDateTimeAttribute(null=True)
    former_night = UTCDateTimeAttribute(null=True)
    pause_from = UnicodeAttribute(null=True)
    pause_until = UnicodeAttribute(null=True)
    school_year_from = UnicodeAttribute(null=True)
    school_year_until = UnicodeAttribute(null=True)
    deactivate_outside_school_year = BooleanAttribute(null=True)
    parallel_requests = NumberAttribute(null=True)
    page_size = NumberAttribute(null=True)
    delta_nights = BooleanAttribute(null=True)
    full_fetch_days = NumberAttribute(null=True)
    first_run_preview = BooleanAttribute(null=True)
    previewed_at = UTCDateTimeAttribute(null=True)
    credentials_expire_on = UnicodeAttribute(null=True)
    version = NumberAttribute(null=True)
    updated_at = UTCDateTimeAttribute(null=True)

    name = UnicodeAttribute(null=True)
    oneroster_id = UnicodeAttribute(null=True)

    holder = UnicodeAttribute(null=True)
    previous_holder = UnicodeAttribute(null=True)
    fence = NumberAttribute(null=True)
    expires_at = UTCDateTimeAttribute(null=True)
    tests = NumberAttribute(null=True)


class Districts:
    """Settings, schools and leases; reads of one district are strongly consistent."""

    def __init__(self, table_name: str, pause: Callable[[float], None] = clock.sleep) -> None:
        _DistrictItem.Meta.table_name = table_name
        self._pause = pause

    @cached_property
    def _transactions(self) -> Connection:
        return connection()

    def active(self) -> Iterator[Settings]:
        """The districts with at least one product on, in no order."""
        with errors_as_ours():
            for item in _DistrictItem.active_districts.query(_YES):
                yield _settings(item)

    @errors_as_ours()
    def settings(self, district_id: DistrictId) -> Settings | None:
        """A district's settings as last saved; None if it has none."""
        item = _item(district_id, SETTINGS)
        return _settings(item) if item else None

    @errors_as_ours()
    def save_settings(self, settings: Settings, expected_version: int, entry: AuditEntry | None = None) -> Settings:
        """Replace a district's settings and return them with their new version; `entry` is written with them.

        Raises:
            ConflictError: The stored version is not `expected_version` (0: none stored).
        """
        item = _DistrictItem(
            settings.district_id,
            SETTINGS,
            active=_YES if settings.products else None,
            base_url=settings.base_url,
            consumer_key=settings.consumer_key,
            consumer_secret=settings.consumer_secret,
            token_url=settings.token_url,
            sign_in_method=str(settings.sign_in.method) if settings.sign_in else None,
            sign_in_token_url=settings.sign_in.token_url if settings.sign_in else None,
            products=set(settings.products) or None,
            counselor_metadata_key=settings.counselor_metadata_key,
            role_metadata_key=settings.role_metadata_key,
            roles={name: str(role) for name, role in settings.roles.items()},
            metadata_keys=list(settings.metadata_keys),
            deactivation_percent=settings.deactivation_percent,
            deactivation_minimum=settings.deactivation_minimum,
            change_percent=settings.change_percent,
            change_minimum=settings.change_minimum,
            limits_lifted_until=settings.limits_lifted_until,
            sync_time=settings.sync_time.isoformat() if settings.sync_time else None,
            timezone=settings.timezone,
            nights_from=_text(settings.nights_from),
            nights_after=settings.nights_after,
            former_night=settings.former_night,
            pause_from=_text(settings.pause_from),
            pause_until=_text(settings.pause_until),
            school_year_from=_text(settings.school_year_from),
            school_year_until=_text(settings.school_year_until),
            deactivate_outside_school_year=settings.deactivate_outside_school_year,
            parallel_requests=settings.parallel_requests,
            page_size=settings.page_size,
            delta_nights=settings.delta_nights,
            full_fetch_days=settings.full_fetch_days,
            first_run_preview=settings.first_run_preview,
            previewed_at=settings.previewed_at,
            credentials_expire_on=_text(settings.credentials_expire_on),
            version=expected_version + 1,
            updated_at=settings.updated_at,
        )
        unchanged = (
            _DistrictItem.version == expected_version
            if expected_version
            else _DistrictItem.district_id.does_not_exist()
        )

        def write(transaction: TransactWrite) -> None:
            transaction.save(item, unchanged)
            add_line(transaction, entry)

        if not transacted(self._transactions, write, self._pause):
            raise ConflictError("The settings were changed meanwhile. Load them again.")
        return _settings(item)

    @errors_as_ours()
    def save_sign_in(self, district_id: DistrictId, sign_in: SignIn, version: int) -> bool:
        """Add a way to sign in to the settings of a version, which stays; False if it is stored no more."""
        found: list[Action] = [
            _DistrictItem.sign_in_method.set(str(sign_in.method)),
            _DistrictItem.sign_in_token_url.set(sign_in.token_url)
            if sign_in.token_url
            else _DistrictItem.sign_in_token_url.remove(),
        ]
        return _updated(district_id, SETTINGS, found, _DistrictItem.version == version) is not None

    @errors_as_ours()
    def save_previewed(self, district_id: DistrictId, now: datetime, version: int) -> bool:
        """Note that a preview of the settings of a version has completed; False if they are stored no more."""
        noted = [_DistrictItem.previewed_at.set(now)]
        return _updated(district_id, SETTINGS, noted, _DistrictItem.version == version) is not None

    @errors_as_ours()
    def schools(self, district_id: DistrictId) -> list[School]:
        """A district's schools, by school_id."""
        items = _DistrictItem.query(district_id, _DistrictItem.item.startswith(_SCHOOL_PREFIX), consistent_read=True)
        return [_school(item) for item in items]

    @errors_as_ours()
    def school(self, district_id: DistrictId, school_id: SchoolId) -> School | None:
        """One school; None if the district has none of this id."""
        item = _item(district_id, _SCHOOL_PREFIX + school_id)
        return _school(item) if item else None

    @errors_as_ours()
    def put_school(self, school: School, by: Author | None = None) -> None:
        """Store a school, or replace the one of its id; the audit log gets a line if somebody did it.

        Of two schools that get one OneRoster ID at once, the later is refused: each write counts up a number of the
        district that it has read before, or begins again.

        Raises:
            ConfigurationError: Another school has its OneRoster ID.
            TransientError: Other schools of the district were being written at every try.
        """
        district_id = school.district_id
        written = _DistrictItem(
            district_id, _SCHOOL_PREFIX + school.school_id, name=school.name, oneroster_id=school.oneroster_id
        )
        pauses = pauses_s()
        while True:
            counted = _item(district_id, _SCHOOLS)
            schools = self.schools(district_id)
            require_own_oneroster_id(school, schools)
            before = next((each for each in schools if each.school_id == school.school_id), None)
            unchanged = (
                _DistrictItem.version == counted.version if counted else _DistrictItem.district_id.does_not_exist()
            )
            try:
                with TransactWrite(connection=self._transactions) as transaction:
                    transaction.save(written)
                    add_line(transaction, school_put(by, before, school) if by else None)
                    transaction.update(_DistrictItem(district_id, _SCHOOLS), [_DistrictItem.version.add(1)], unchanged)
            except TransactWriteError as error:
                if error.cause_response_code != TRANSACTION_CANCELED:
                    raise
                pause = next(pauses, None)
                if pause is None:
                    raise outage() from error
                self._pause(pause)
            else:
                return

    @errors_as_ours()
    def delete_school(self, district_id: DistrictId, school_id: SchoolId, by: Author | None = None) -> bool:
        """Delete a school; False if there was none. The audit log gets a line if somebody did it."""
        school = self.school(district_id, school_id)
        if school is None:
            return False

        def write(transaction: TransactWrite) -> None:
            item = _DistrictItem(district_id, _SCHOOL_PREFIX + school_id)
            transaction.delete(item, _DistrictItem.district_id.exists())
            if by:
                gone = school_altered(school, None)
                add_line(transaction, by.did(Act.SCHOOL_REMOVED, district_id, school_id, gone))

        return transacted(self._transactions, write, self._pause)

    @errors_as_ours()
    def acquire(self, district_id: DistrictId, holder: RunId, now: datetime, expires_at: datetime) -> Lease:
        """Take the lease; the same holder may take it again, with a higher fence.

        Raises:
            DistrictBusyError: Another holder's lease has not expired.
        """
        take = [
            _DistrictItem.holder.set(holder),
            _DistrictItem.expires_at.set(expires_at),
            _DistrictItem.fence.add(1),
        ]
        # The value before this update, or the new holder if there is none.
        remember = _DistrictItem.previous_holder.set(_DistrictItem.holder | holder)
        free = _DistrictItem.holder.does_not_exist() | (
            (_DistrictItem.holder != holder) & (_DistrictItem.expires_at <= now)
        )
        # Taken again, the lease keeps its previous holder: the first taker may have died before it dealt with it.
        lease = _updated_lease(district_id, [*take, remember], free) or _updated_lease(
            district_id, take, _DistrictItem.holder == holder
        )
        if lease is None:
            held = _item(district_id, LEASE)
            if held is None or not held.holder:
                raise OwnOutageError("Another sync or upload has just ended.")
            raise DistrictBusyError(held.holder)
        return _lease(lease)

    @errors_as_ours()
    def renew(self, district_id: DistrictId, holder: RunId, expires_at: datetime) -> bool:
        """Prolong the holder's lease; False if somebody else holds it now."""
        prolong = [_DistrictItem.expires_at.set(expires_at)]
        return _updated_lease(district_id, prolong, _DistrictItem.holder == holder) is not None

    @errors_as_ours()
    def release(self, district_id: DistrictId, holder: RunId, expires_at: datetime | None = None) -> bool:
        """Give the lease back; False if somebody else holds it now, or if it no longer expires at `expires_at`."""
        give_back = [_DistrictItem.holder.remove(), _DistrictItem.expires_at.remove()]
        still_held = _DistrictItem.holder == holder
        if expires_at is not None:
            still_held &= _DistrictItem.expires_at == expires_at
        return _updated_lease(district_id, give_back, still_held) is not None

    @errors_as_ours()
    def retake(self, district_id: DistrictId, holder: RunId, fence: int, now: datetime, expires_at: datetime) -> bool:
        """Take the lease once more with its fence; False if anybody has it, or somebody else has had it since."""
        take = [_DistrictItem.holder.set(holder), _DistrictItem.expires_at.set(expires_at)]
        free = _DistrictItem.holder.does_not_exist() | (_DistrictItem.expires_at <= now)
        return _updated_lease(district_id, take, (_DistrictItem.fence == fence) & free) is not None

    @errors_as_ours()
    def held(self, district_id: DistrictId) -> Lease | None:
        """The lease as it stands, expired or not; None if it is free."""
        item = _item(district_id, LEASE)
        return _lease(item) if item and item.holder else None

    @errors_as_ours()
    def count_test(self, district_id: DistrictId, now: datetime, most: int, within: timedelta) -> timedelta | None:
        """Count a test of the district's settings; if `most` were counted `within` that time, how long to wait.

        Nothing is counted then. The time begins with the first test and is the same for those that follow.
        """
        item = _DistrictItem
        one_more = [item.tests.add(1)], (item.expires_at > now) & (item.tests < most)
        the_first = (
            [item.tests.set(1), item.expires_at.set(now + within)],
            (item.expires_at.does_not_exist() | (item.expires_at <= now)),
        )
        # Again, because another test may have been the first meanwhile.
        for actions, condition in (one_more, the_first, one_more):
            if _updated(district_id, _TESTS, actions, condition):
                return None
        counted = _item(district_id, _TESTS)
        return counted.expires_at - now if counted else timedelta()


def _item(district_id: DistrictId, item: str) -> _DistrictItem | None:
    try:
        return _DistrictItem.get(district_id, item, consistent_read=True)
    except DoesNotExist:
        return None


def _updated_lease(district_id: DistrictId, actions: Sequence[Action], condition: Condition) -> _DistrictItem | None:
    return _updated(district_id, LEASE, actions, condition)


def _updated(
    district_id: DistrictId, name: str, actions: Sequence[Action], condition: Condition
) -> _DistrictItem | None:
    """An item after an update; None if the condition did not hold."""
    item = _DistrictItem(district_id, name)
    return item if updated(item, actions, condition) else None


def _text(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day(stored: str | None) -> date | None:
    return date.fromisoformat(stored) if stored else None


def _number(stored: float | None, default: int) -> int:
    return default if stored is None else int(stored)


def _settings(item: _DistrictItem) -> Settings:
    return Settings(
        district_id=DistrictId(item.district_id),
        base_url=item.base_url,
        consumer_key=item.consumer_key,
        consumer_secret=item.consumer_secret,
        token_url=item.token_url,
        sign_in=SignIn(SignInMethod(item.sign_in_method), item.sign_in_token_url) if item.sign_in_method else None,
        products=frozenset(item.products or ()),
        counselor_metadata_key=item.counselor_metadata_key,
        role_metadata_key=item.role_metadata_key,
        roles={name: Role(item.roles[name]) for name in item.roles},
        metadata_keys=tuple(item.metadata_keys or ()),
        deactivation_percent=int(item.deactivation_percent),
        deactivation_minimum=int(item.deactivation_minimum),
        change_percent=_number(item.change_percent, _DEFAULTS.change_percent),
        change_minimum=_number(item.change_minimum, _DEFAULTS.change_minimum),
        limits_lifted_until=item.limits_lifted_until,
        sync_time=time.fromisoformat(item.sync_time) if item.sync_time else None,
        timezone=item.timezone,
        nights_from=_day(item.nights_from),
        nights_after=item.nights_after,
        former_night=item.former_night,
        pause_from=_day(item.pause_from),
        pause_until=_day(item.pause_until),
        school_year_from=_day(item.school_year_from),
        school_year_until=_day(item.school_year_until),
        deactivate_outside_school_year=bool(item.deactivate_outside_school_year),
        parallel_requests=int(item.parallel_requests),
        page_size=int(item.page_size),
        delta_nights=bool(item.delta_nights),
        credentials_expire_on=_day(item.credentials_expire_on),
        full_fetch_days=_number(item.full_fetch_days, _DEFAULTS.full_fetch_days),
        first_run_preview=bool(item.first_run_preview),
        previewed_at=item.previewed_at,
        version=int(item.version),
        updated_at=item.updated_at,
    )


def _lease(item: _DistrictItem) -> Lease:
    holder, previous = RunId(str(item.holder)), RunId(str(item.previous_holder))
    return Lease(holder, int(item.fence or 0), item.expires_at, None if previous == holder else previous)


def _school(item: _DistrictItem) -> School:
    return School(
        district_id=DistrictId(item.district_id),
        school_id=SchoolId(item.item.removeprefix(_SCHOOL_PREFIX)),
        name=item.name,
        oneroster_id=SourcedId(item.oneroster_id) if item.oneroster_id else None,
    )
