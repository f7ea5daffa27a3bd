"""Values as JSON that any reader takes and no terminal obeys."""

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from winnow.explore.screen import json_escape


def to_json(value: Any, indent: int | None = None) -> str:
    """Return a value as JSON that any reader takes and no terminal obeys."""
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=indent)
    return json_escape(text)


def plain(value: Any) -> Any:
    """Return a value in JSON's own types: times as ISO 8601, NaN and infinity as null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, str | int | bool) else str(value)
