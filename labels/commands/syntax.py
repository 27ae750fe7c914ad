"""A shell text as simple commands, read with tree-sitter-bash.

tree-sitter reads some valid bash with errors (extended globs, two here-documents at once) and takes quadratic time on
a few shapes of nonsense; for both, and for what is no bash at all, `splitter` takes over.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from labels.commands import splitter
from labels.commands.script import MAX_SIMPLES, Script, Simple, Stage, assignment, shadow

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

#: Above these the splitter reads: what tree-sitter takes 20 ms for in the worst case that was found.
MAX_TREE = 16_000
_SLOW = (("|", 300), ("<<", 60), ("=(", 100), ("[[", 100), ("((", 100), ("`", 300))
_REDIRECTS = frozenset({"file_redirect", "heredoc_redirect", "herestring_redirect"})
#: Where the redirects of a statement belong to its last command, not to all of it.
_TRANSPARENT = frozenset({"pipeline", "list", "redirected_statement", "negated_command"})


@cache
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def read(text: str) -> Script:
    """The simple commands of a shell text. Never raises; what it could not read is in `unread`."""
    plain = shadow(text)
    if len(plain) > MAX_TREE or any(plain.count(mark) > limit for mark, limit in _SLOW):
        return splitter.read(text, plain)
    root = _parser().parse(plain.encode("ascii")).root_node
    if root.has_error:
        return splitter.read(text, plain)
    reader = _Reader(text)
    if not reader.walk(root):
        return splitter.read(text, plain)
    return Script(reader.simples)


class _Reader:
    """Walks a tree without recursion: nesting is the writer's choice."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.simples: list[Simple] = []
        self._scopes = 0
        self._todo: list[tuple[Node, Stage | None, int]] = []
        self._redirects: dict[int, list[Node]] = {}  # of commands that are still to be visited, by node id
        self._visitors = {
            "command": self._command,
            "declaration_command": self._command,
            "unset_command": self._command,
            "pipeline": self._pipeline,
            "list": self._list,
            "redirected_statement": self._redirected,
            "command_substitution": self._substitution,
            "process_substitution": self._substitution,
            "subshell": self._subshell,
            "variable_assignment": self._assignment,
            "for_statement": self._for,
            "function_definition": self._function,
        }

    def walk(self, root: Node) -> bool:
        """False where there is too much of it."""
        self._todo.append((root, None, 0))
        while self._todo:
            node, stage, scope = self._todo.pop()
            if len(self.simples) > MAX_SIMPLES:
                return False
            if visit := self._visitors.get(node.type):
                visit(node, stage, scope)
            else:
                self._push(node.children, stage, scope)
        self.simples.sort(key=lambda simple: simple.start)
        return True

    def _push(self, nodes: list[Node], stage: Stage | None, scope: int) -> None:
        self._todo.extend((node, stage, scope) for node in reversed(nodes) if node.child_count)

    def _source(self, node: Node) -> str:
        return self.text[node.start_byte : node.end_byte]

    def _add(self, simple: Simple, stage: Stage | None, scope: int) -> Simple:
        simple.scope = scope
        simple.stage = stage
        if stage:
            stage.commands.append(simple)
        self.simples.append(simple)
        return simple

    # -- commands --

    def _command(self, node: Node, stage: Stage | None, scope: int) -> None:
        simple = self._add(Simple(node.start_byte, node.end_byte), stage, scope)
        words: list[Node] = []
        for child in node.children:
            kind = child.type
            if kind in _REDIRECTS:
                self._redirect(child, simple, scope)
                continue
            self._push([child] if kind.endswith("substitution") else child.children, None, scope)
            if kind == "variable_assignment" and not words:
                if pair := assignment(self._source(child)):
                    simple.assigns.append(pair)
            else:
                words.append(child)
        simple.words = [self.text[start:end] for start, end in _merged(words)] + simple.words
        for redirect in self._redirects.pop(node.id, ()):
            self._redirect(redirect, simple, scope)

    def _assignment(self, node: Node, stage: Stage | None, scope: int) -> None:
        if pair := assignment(self._source(node)):
            self._add(Simple(node.start_byte, node.end_byte, "assign", assigns=[pair]), stage, scope)
        self._push(node.children, None, scope)

    def _for(self, node: Node, stage: Stage | None, scope: int) -> None:
        name, items = "", []
        for child in node.children:
            if child.type == "variable_name" and not name:
                name = self._source(child)
            elif child.is_named and child.type not in ("do_group", "compound_statement"):
                items.append((name, self._source(child)))
        self._add(Simple(node.start_byte, node.start_byte, "for", assigns=items), None, scope)
        self._push(node.children, stage, scope)

    def _function(self, node: Node, stage: Stage | None, scope: int) -> None:
        names = [self._source(child) for child in node.children if child.type == "word"]
        self._add(Simple(node.start_byte, node.end_byte, "define", names[:1]), None, scope)
        self._push(node.children, stage, scope)

    def _substitution(self, node: Node, _stage: Stage | None, _scope: int) -> None:
        self._scopes += 1
        self._push(node.children, None, self._scopes)

    def _subshell(self, node: Node, stage: Stage | None, _scope: int) -> None:
        self._scopes += 1
        self._push(node.children, stage, self._scopes)

    # -- pipelines and redirects --

    def _pipeline(self, node: Node, stage: Stage | None, scope: int) -> None:
        """Each stage reads the one before it; the first one reads what the pipeline itself is given."""
        before = stage.before if stage else None
        if node.children[0].type in ("|", "|&"):  # `cat <<EOF | sh`: the grammar hangs the rest below the `<<`
            before, stage = stage, None
        parts = [child for child in node.children if child.is_named]
        todo: list[tuple[Node, Stage | None, int]] = []
        for place, child in enumerate(parts):
            before = Stage(before)
            if stage and place == len(parts) - 1:
                before.commands = stage.commands  # what the last part prints, the whole prints
            todo.append((child, before, scope))
        self._todo.extend(reversed(todo))

    def _list(self, node: Node, stage: Stage | None, scope: int) -> None:
        """`a && b`. The grammar reads `a && b | c` as if the pipe took both: only the last prints into it then, and
        only the first reads what comes before."""
        parts = [child for child in node.children if child.is_named]
        if stage and node.parent and node.parent.type in ("pipeline", "redirected_statement") and len(parts) > 1:
            stages: list[Stage | None] = [Stage(stage.before), *(Stage() for _ in parts[2:])]
            stages.append(Stage(None, stage.commands))
        else:
            stages = [stage for _ in parts]
        self._todo.extend((part, own, scope) for part, own in zip(parts[::-1], stages[::-1], strict=True))

    def _redirected(self, node: Node, stage: Stage | None, scope: int) -> None:
        body = node.children[0]
        redirects = [child for child in node.children if child.type in _REDIRECTS]
        own = stage or Stage()
        if owner := _last_command(body):
            self._redirects.setdefault(owner.id, []).extend(redirects)
            self._todo.append((body, own, scope))
            return
        bare = body in redirects
        group = Simple(node.start_byte, node.end_byte, "command" if bare else "group")
        self._add(group, None, scope)
        for redirect in redirects:
            self._redirect(redirect, group, scope)
        if not bare:
            inside = Stage(Stage(own.before, [group]), own.commands) if group.given else own
            self._todo.append((body, inside, scope))

    def _redirect(self, node: Node, simple: Simple, scope: int) -> None:
        children = node.children
        if node.type == "herestring_redirect":
            simple.herestring = self._source(children[-1])
        elif node.type == "heredoc_redirect":
            self._heredoc(children, simple, scope)
            return
        else:
            self._file_redirect(node, simple)
        self._push(children, None, scope)

    def _file_redirect(self, node: Node, simple: Simple) -> None:
        children = node.children
        at = int(children[0].type == "file_descriptor" and len(children) > 1)
        operator = self.text[node.start_byte : children[at].end_byte]
        target, *more = _merged(children[at + 1 :]) or [(node.end_byte, node.end_byte)]
        simple.redirects.append((operator, self.text[target[0] : target[1]]))
        simple.words += [self.text[start:end] for start, end in more]  # `cmd < file -c x`: the rest is arguments
        simple.end = max(simple.end, node.end_byte)

    def _heredoc(self, children: list[Node], simple: Simple, scope: int) -> None:
        for child in children:
            if child.type == "heredoc_start":
                simple.heredoc_quoted = self._source(child)[:1] in ("'", '"', "\\")
                simple.heredoc = simple.heredoc or ""
            elif child.type == "heredoc_body":
                simple.heredoc = self._source(child)
                simple.end = max(simple.end, child.end_byte)
                self._push(child.children, None, scope)
            elif child.type in _REDIRECTS:
                self._redirect(child, simple, scope)
            elif child.type == "pipeline":
                simple.stage = simple.stage or Stage(None, [simple])
                self._todo.append((child, simple.stage, scope))
            else:
                self._push([child], None, scope)


def _merged(nodes: list[Node]) -> list[tuple[int, int]]:
    """Where words begin and end: the grammar splits some (`$"x"`, `{}`), which then touch each other."""
    pieces: list[tuple[int, int]] = []
    for node in nodes:
        if pieces and pieces[-1][1] == node.start_byte:
            pieces[-1] = (pieces[-1][0], node.end_byte)
        else:
            pieces.append((node.start_byte, node.end_byte))
    return pieces


def _last_command(node: Node) -> Node | None:
    """The command that the redirects after a statement belong to; None for a compound command."""
    while node.type in _TRANSPARENT:
        named = [child for child in node.children if child.is_named and child.type not in _REDIRECTS]
        if not named:
            return None
        node = named[-1]
    return node if node.type in ("command", "declaration_command", "unset_command") else None
