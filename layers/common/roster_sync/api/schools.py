"""Routes of a district's schools."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from roster_sync.api.answers import answers
from roster_sync.api.author import author
from roster_sync.api.schemas import DistrictInPath, SchoolBody, SchoolInPath, SchoolOut, SchoolsOut
from roster_sync.api.services import Services
from roster_sync.domain.district import School
from roster_sync.domain.errors import NotFoundError
from roster_sync.domain.identifiers import SourcedId


def add_school_routes(api: APIGatewayRestResolver, services: Services) -> None:
    """Add the routes under `/districts/{district_id}/schools`."""
    districts = services.districts

    @api.get("/districts/<district_id>/schools", summary="List all schools")
    def list_schools(district_id: DistrictInPath) -> SchoolsOut:
        return SchoolsOut(items=[SchoolOut.of(school) for school in districts.schools(district_id)])

    @api.put(
        "/districts/<district_id>/schools/<school_id>",
        summary="Add or change a school",
        description="Users of schools without a OneRoster ID are not stored; no two schools have the same.",
    )
    def put_school(district_id: DistrictInPath, school_id: SchoolInPath, body: SchoolBody) -> SchoolOut:
        oneroster_id = SourcedId(body.oneroster_id) if body.oneroster_id else None
        school = School(district_id=district_id, school_id=school_id, name=body.name, oneroster_id=oneroster_id)
        districts.put_school(school, author(api, services))
        return SchoolOut.of(school)

    @api.delete(
        "/districts/<district_id>/schools/<school_id>",
        summary="Remove a school",
        responses=answers(HTTPStatus.NO_CONTENT),
    )
    def delete_school(district_id: DistrictInPath, school_id: SchoolInPath) -> Response[str]:
        if not districts.delete_school(district_id, school_id, author(api, services)):
            raise NotFoundError("There is no such school. Load the list of schools again.")
        return Response(HTTPStatus.NO_CONTENT.value, body="")
