"""data-juicer's `pii_redaction_mapper` with its defaults over the texts (JSON strings, one per line) on standard input.

Prints one JSON object: CPU seconds of the operator, peak memory of the process, and the texts as it leaves them.
"""

from __future__ import annotations

import json
import sys
import time

from clock import peak
from data_juicer.ops.mapper.pii_redaction_mapper import PiiRedactionMapper

if __name__ == "__main__":
    texts = [json.loads(line) for line in sys.stdin]
    mapper = PiiRedactionMapper()
    started = time.process_time()
    left = mapper.process_batched({"text": list(texts)})["text"]
    spent = time.process_time() - started
    print("\n" + json.dumps({"seconds": spent, "peak_mb": round(peak() / 1024), "texts": left}))
