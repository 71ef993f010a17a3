"""Changes to the text of a recipe that leave everything else, comments too, as its author wrote it."""

from __future__ import annotations

from collections.abc import Mapping

from yaml.nodes import MappingNode, Node, ScalarNode

from corpushub.base.errors import NotFound
from corpushub.domain.document import Document


def with_roles(text: str, roles: Mapping[str, str]) -> str:
    """The recipe with `role:` written at these columns of its contract, over a role that stands there.

    Raises: NotFound("recipe.no_column") for a column the contract does not write out.
    """
    changes = sorted((place_of(text, column, role) for column, role in roles.items()), reverse=True)
    for start, end, words in changes:  # from the end, so that what is still to change stays where it is
        text = text[:start] + words + text[end:]
    return text


def place_of(text: str, column: str, role: str) -> tuple[int, int, str]:
    """Where in the text the role of a column is written (start, end), and the words."""
    node: Node | None = Document(text, "").root
    for word in ("contract", "columns", column):
        node = entry(node, word)[1]
    if not isinstance(node, MappingNode):
        raise NotFound("recipe.no_column", column=column)
    held = entry(node, "role")[1]
    if held is not None:
        return held.start_mark.index, held.end_mark.index, role
    if not node.value:
        return node.start_mark.index, node.end_mark.index, f"{{role: {role}}}"
    before = entry(node, "desc")[0] or entry(node, "description")[0] or node.value[0][0]
    gap = ", " if node.flow_style else "\n" + " " * before.start_mark.column
    return before.start_mark.index, before.start_mark.index, f"role: {role}{gap}"


def entry(node: Node | None, word: str) -> tuple[Node | None, Node | None]:
    """Key and value of a mapping, as nodes."""
    pairs = node.value if isinstance(node, MappingNode) else ()
    return next(((key, value) for key, value in pairs if isinstance(key, ScalarNode) and key.value == word), (None, None))
