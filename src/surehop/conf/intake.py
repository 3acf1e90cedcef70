"""What becomes of a request's body on its way in: `client_body_…`."""

from surehop.conf.model import Intake
from surehop.conf.scope import Scope
from surehop.conf.table import value_of


def intake(scope: Scope) -> Intake:
    """Give what holds in `scope`."""
    return Intake(
        buffer_size=value_of(scope, "client_body_buffer_size"),
        in_file=value_of(scope, "client_body_in_file_only"),
        temp=value_of(scope, "client_body_temp_path"),
    )
