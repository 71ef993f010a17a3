"""data-juicer's `pii_redaction_mapper` with its defaults over the texts (JSON strings, one per line) on standard input.

Prints one JSON object: CPU seconds of the operator, and the texts as it leaves them.
"""

from __future__ import annotations

import json
import sys
import time

from data_juicer.ops.mapper.pii_redaction_mapper import PiiRedactionMapper

if __name__ == "__main__":
    texts = [json.loads(line) for line in sys.stdin]
    mapper = PiiRedactionMapper()
    started = time.process_time()
    left = mapper.process_batched({"text": list(texts)})["text"]
    print("\n" + json.dumps({"seconds": time.process_time() - started, "texts": left}))
