"""Judge a manual upload before anything of it is stored."""

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import COUNT_OF_KIND, Counts
from roster_sync.domain.upload import ManualChanges, Upload, manual_changes, new_user_ids
from roster_sync.domain.user import normalised_email
from roster_sync.use_cases.ports import DistrictStore, UserStore

_NO_RUN = RunId("")


def preview_upload(
    upload: Upload,
    district_id: DistrictId,
    *,
    districts: DistrictStore,
    users: UserStore,
    offered_products: frozenset[str],
) -> ManualChanges:
    """What the rows would change now, with every issue by line; the counts are those that the upload would have."""
    settings = districts.settings(district_id)
    products = settings.products & offered_products if settings else frozenset[str]()
    users_by_email = users.by_emails(district_id, [normalised_email(row.email) for row in upload.rows])
    decided = manual_changes(
        upload.rows,
        users_by_email,
        district_id=district_id,
        run_id=_NO_RUN,
        products=products,
        taken=users.sis_users(district_id, new_user_ids(upload.rows, users_by_email, district_id)),
    )
    counts = Counts(fetched=upload.row_count, invalid=upload.row_count - len(upload.rows)) + decided.counts
    for change in decided.changes:
        counts += Counts(**{COUNT_OF_KIND[change.kind]: 1})
    issues = sorted([*upload.issues, *decided.issues], key=lambda issue: issue.line or 0)
    return ManualChanges(decided.changes, issues, counts)
