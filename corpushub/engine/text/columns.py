"""How text steps name their columns: `column` or `columns`, one or several, mean the same."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from corpushub.engine.step import column_names

Names = Annotated[tuple[str, ...], BeforeValidator(column_names), Field(min_length=1)]
COLUMNS: Any = Field(validation_alias=AliasChoices("columns", "column"))
COLUMN: Any = Field(validation_alias=AliasChoices("column", "on"))
ON: Any = Field(validation_alias=AliasChoices("on", "column"))
ON_SEVERAL: Any = Field(validation_alias=AliasChoices("on", "columns", "column"))
