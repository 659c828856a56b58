"""One person with several provider records becomes one user."""

from collections.abc import Iterable, Sequence

from roster_sync.domain.user import Role, SisUser

_PRECEDENCE = (Role.ADMINISTRATOR, Role.COUNSELOR, Role.SPONSOR, Role.STUDENT)


def unite(records: Sequence[SisUser]) -> SisUser:
    """The user that several records of one person amount to, whatever their order.

    The record of the highest role (administrator, counselor, sponsor, student; then the lowest sourcedId) gives each
    single value it has, the others what it lacks; schools, grades, agents and ids are united.
    """
    if len(records) == 1:
        return records[0]
    ranked = sorted(records, key=lambda user: (_PRECEDENCE.index(user.sis_role), user.sourced_ids))

    def first(values: Iterable[str | None]) -> str | None:
        return next((value for value in values if value is not None), None)

    return SisUser(
        sourced_ids=tuple(sorted({item for user in ranked for item in user.sourced_ids})),
        sis_role=ranked[0].sis_role,
        username=first(user.username for user in ranked),
        given_name=first(user.given_name for user in ranked),
        middle_name=first(user.middle_name for user in ranked),
        family_name=first(user.family_name for user in ranked),
        email=first(user.email for user in ranked),
        identifier=first(user.identifier for user in ranked),
        phone=first(user.phone for user in ranked),
        sms=first(user.sms for user in ranked),
        grades=tuple(sorted({item for user in ranked for item in user.grades})),
        school_ids=tuple(sorted({item for user in ranked for item in user.school_ids})),
        agents=tuple(sorted({item for user in ranked for item in user.agents})),
        user_ids=tuple(sorted({item for user in ranked for item in user.user_ids})),
        sis_counselor_email=first(user.sis_counselor_email for user in ranked),
        metadata=tuple(sorted({key: value for user in reversed(ranked) for key, value in user.metadata}.items())),
    )
