"""Small files of every format: real ones from ../shared/data where that folder is, else our own (`samples/`).

For the benchmark, which makes large files of them (`formats`), and for fuzzing (`fuzz`), which damages them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
OWN = Path(__file__).with_name("samples")
TRACES = ROOT / "sample_traces"

_ANSWER = "it-bench/sre/Scenario-1/1/session.jsonl"
_CONVERSATION = "openhands_v1/conversations/56632213fdb343fa82c9e81c050e74cd/base_state.json"
_MAGENTIC = "2aa5dd83fbcd0dce9a3dd4592106e5b5edf738008d932e357d477bba80e59ccf"
_TERMINUS = "atif/terminus_2_hello-world-context-summarization-linear-history.trajectory.json"

#: format -> files (where several are one run: the one that is opened). Own ones and sample runs: "own:", "traces:".
_FILES: dict[str, tuple[str, ...]] = {
    "canonical": ("own:canonical.jsonl",),
    "claude-code": ("claude_code/agent_session.jsonl", "claude_code/compaction_session.jsonl",
                    "claude_code/tool_call_conversation.jsonl", "traces:replit-freeze.jsonl",
                    "traces:wide-and-hostile.jsonl"),
    "codex": ("codex/2026/01/02/rollout-2026-01-02T03-04-05-11111111-1111-4111-8111-111111111111.jsonl",
              "traces:lost-history.jsonl"),
    "it-bench": (f"own:{_ANSWER}",),
    "gemini": ("own:gemini.jsonl", "gemini/session-2026-05-01T10-00-abcd1234.jsonl"),
    "acp": ("own:acp.jsonl", "acp/session_updates.jsonl"),
    "ag-ui": ("own:ag-ui.jsonl", "agui/events.jsonl"),
    "atif": ("atif/openhands_hello-world.trajectory.json", _TERMINUS, "traces:checkout-outage.json"),
    "otlp": ("otel/pydantic_ai_v5.otlp.json", "otel/pydantic_ai_v2.otlp.json",
             "openinference_gen/openinference_langgraph.otlp.json"),
    "openai-responses": ("openai/responses_items.jsonl",),
    "openai-agents": ("openai/agents_sdk_trace.jsonl", "openai/session.db"),
    "langsmith": ("langsmith/runs.jsonl", "own:langsmith.parquet"),
    "langfuse": ("own:langfuse.json", "own:langfuse.csv"),
    "docent": ("own:docent.json",),
    "swe-agent": ("sweagent/trajectories/demonstrations/ctf/pwn/warmup.traj",
                  "sweagent/trajectories/demonstrations/function_calling_simple.traj",
                  "sweagent/trajectories/demonstrations/ctf/misc/networking_1.traj"),
    "mini-swe-agent": ("miniswe/gen/run.traj.json", "miniswe/tests/test_data/github_issue.traj.json",
                       "traces:good-run.traj.json"),
    "openhands": (_CONVERSATION,),
    "inspect": ("inspect/2025-09-23T08-09-58-04-00_security-guide_LuxZJVwvymC3S3SyoJczxB.eval",
                "inspect/2026-11-22T16-49-00-00-00_t_Ph3QDEYkLhtYe8FmtBxbeZ.json"),
    "tau-bench": ("taubench/gpt-4o-airline-part.json",),
    "tau2": ("own:tau2.json",),
    "who-and-when": ("whowhen/Hand-Crafted/11.json", "traces:ignored-reviewer.json"),
    "trail": ("own:trail.json", "own:trail.parquet"),
    "mast": ("mast/MAD_human_labelled_dataset.json",),
    "ag2": ("mast/ag2_labelled/records.json",),
    "autogen": ("autogen/messages.jsonl", "autogen/task_result.json", "autogen/team_state.json"),
    "openai-chat": ("traces:polling-loop.jsonl", f"agentrx/magentic/{_MAGENTIC}.json"),
    "text": ("traces:nightly-etl.txt",),
}  # fmt: skip
#: What lies around a file and belongs to its run: so many folders above it are taken with all they hold.
_AROUND = {_ANSWER: 2, _CONVERSATION: 1}


@dataclass(frozen=True)
class Sample:
    """A run's files: relative path -> content. main: the one that is opened."""

    format: str
    main: str
    files: dict[str, bytes]

    @property
    def data(self) -> bytes:
        """The content of the file that is opened."""
        return self.files[self.main]

    def write(self, folder: Path) -> Path:
        """Write the files into a folder; the one to open."""
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return folder / self.main


def formats() -> tuple[str, ...]:
    """Every format there are samples of: all that are registered (a test compares them)."""
    return tuple(_FILES)


@cache
def samples(format: str) -> tuple[Sample, ...]:
    """The samples of a format that are there; real ones are missing without ../shared/data."""
    found = []
    for name in _FILES[format]:
        path = _path(name)
        if path.is_file():
            found.append(_sample(format, path, _AROUND.get(name.removeprefix("own:"), 0)))
    return tuple(found)


def _path(name: str) -> Path:
    where, _, rest = name.rpartition(":")
    return {"own": OWN, "traces": TRACES}.get(where, SHARED) / rest


def _sample(format: str, path: Path, above: int) -> Sample:
    if not above:
        return Sample(format, path.name, {path.name: path.read_bytes()})
    top = path.parents[above - 1]
    files = {str(file.relative_to(top)): file.read_bytes() for file in sorted(top.rglob("*")) if file.is_file()}
    return Sample(format, str(path.relative_to(top)), files)
