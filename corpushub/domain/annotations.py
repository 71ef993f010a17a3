"""What confirmed records say of how a dataset was labelled (article 13: 数据采集标注; GB/T 45674-2025), for its gates and its card."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from corpushub.domain.workflow import Case


def labelled(records: Iterable[Case], dataset: str) -> list[dict[str, Any]]:
    """The annotation records about `dataset` in the order they were filed; how many people there were, not who: cards name nobody."""
    mine = [case for case in records if case.data["kind"] == "annotation" and case.data.get("about") == dataset]
    return [
        {
            "record": case.id,
            "guideline": str(facts["guideline"]),
            "annotators": len(set(facts["annotators"])),
            "agreement": float(facts["agreement"]),
            "adjudicated": bool(facts["adjudication"]),
            "by_annotator": str(facts["adjudication"]) in facts["annotators"],
        }
        for case in sorted(mine, key=lambda case: case.id)
        for facts in (case.data["facts"],)
    ]


def annotation_measures(tasks: list[dict[str, Any]], rows: int) -> dict[str, float]:
    """Measures of ANN-01 and ANN-02; none where nobody labelled anything. The agreement is that of the task that agreed least."""
    if not tasks:
        return {}
    return {
        "annotated_rows": rows,
        "annotation_kappa": min(task["agreement"] for task in tasks),
        "label_reviewed": sum(task["adjudicated"] for task in tasks) / len(tasks),
        "annotator_violations": sum(task["by_annotator"] for task in tasks),
    }
