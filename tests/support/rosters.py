"""Hypothesis strategies for people."""

from hypothesis import strategies as st

from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.user import Role, SisUser

SIS_ROLES = (Role.ADMINISTRATOR, Role.COUNSELOR, Role.SPONSOR, Role.STUDENT)

_texts = st.text(max_size=4)
_values = st.none() | _texts


def _sorted_tuples(items: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(items, max_size=3, unique=True).map(lambda found: tuple(sorted(found)))


def _pairs() -> st.SearchStrategy[tuple[tuple[str, str], ...]]:
    return st.dictionaries(_texts, _texts, max_size=2).map(lambda found: tuple(sorted(found.items())))


def sis_users() -> st.SearchStrategy[SisUser]:
    """Any user that a provider's record may amount to; values are short, so that equal ones occur."""
    return st.builds(
        SisUser,
        sourced_ids=_texts.map(lambda text: (SourcedId(text),)),
        sis_role=st.sampled_from(SIS_ROLES),
        username=_values,
        given_name=_values,
        middle_name=_values,
        family_name=_values,
        email=_values,
        identifier=_values,
        phone=_values,
        sms=_values,
        grades=_sorted_tuples(_texts),
        school_ids=_sorted_tuples(_texts.map(SchoolId)),
        agents=_sorted_tuples(_texts.map(SourcedId)),
        user_ids=_pairs(),
        sis_counselor_email=_values,
        metadata=_pairs(),
    )
