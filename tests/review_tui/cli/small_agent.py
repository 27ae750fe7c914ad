"""An agent for the tests of `run`: works in the current folder and writes a session as Claude Code does.

python small_agent.py STEPS [OPTION...]

Each step is a call that appends a line to journal.txt, and its result. Options: `child` starts a process that writes
ticks.txt all the time, in a session of its own; `orphan` another, whose parent ends and whose environment is empty, and
which writes orphan.txt; `stubborn` ignores SIGTERM; `exit=N` ends with that code; `quiet`
writes no session; `pace=S` seconds between steps; `stay` goes on for ever after the last step.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent_logs import ClaudeLog

TICKER = "import time,sys\nwhile True:\n    open('ticks.txt','a').write('tick\\n')\n    time.sleep(0.01)\n"


def main() -> int:
    steps, options = int(sys.argv[1]), dict.fromkeys(sys.argv[2:], "")
    options |= dict(word.split("=", 1) for word in sys.argv[2:] if "=" in word)
    folder = Path(os.environ["CLAUDE_CONFIG_DIR"]) / "projects" / re.sub(r"[^a-zA-Z0-9]", "-", os.getcwd())
    log = ClaudeLog(folder / f"session-{os.getpid()}.jsonl", cwd=os.getcwd()) if "quiet" not in options else None
    if "stubborn" in options:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "child" in options:
        subprocess.Popen([sys.executable, "-c", TICKER], start_new_session=True)
    if "orphan" in options:
        code = TICKER.replace("ticks.txt", "orphan.txt")
        start = (
            f"import subprocess\nsubprocess.Popen({[sys.executable, '-c', code]!r}, start_new_session=True, env={{}})"
        )
        subprocess.run([sys.executable, "-c", start], check=True)
    sys.stdout.write("the agent's own output\n")
    sys.stdout.flush()
    if log:
        log.user("Keep the journal.")
    for number in range(1, steps + 1):
        if log:
            log.calls(f"call-{number}", f"echo step {number} >> journal.txt")
        with open("journal.txt", "a") as file:
            file.write(f"step {number}\n")
        if log:
            log.result(f"call-{number}", f"wrote {number}")
        time.sleep(float(options.get("pace", "0.06")))
    while "stay" in options:
        time.sleep(0.05)
    if log:
        log.says("Done.")
    return int(options.get("exit", "0"))


if __name__ == "__main__":
    sys.exit(main())
