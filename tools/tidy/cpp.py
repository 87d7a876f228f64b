"""Reads C++ just far enough to check it: what is comment, what is literal, where functions and lambdas are.

Not a parser. It keeps offsets: every text it derives is as long as the source, with the parts that do not
matter blanked, so that a position found in one is a position in all.
"""
import bisect
import functools
import re
from dataclasses import dataclass
from typing import Iterator

# Numbers are tokens only because of their digit separators: the ' of 1'000 starts no character literal.
TOKEN = re.compile(
    r"""
    (?P<comment> //(?:\\\n|[^\n])* | /\*.*?(?:\*/|\Z) )
  | (?P<raw> (?<!\w)(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\( (?P<raw_text>.*?) (?:\)(?P=mark)"|\Z) )
  | (?P<string> "(?P<string_text>(?:\\.|[^"\\\n])*)"? )
  | (?P<char> '(?:\\.|[^'\\\n])*'? )
  | (?P<number> (?<!\w)\.?\d(?:[eEpP][+-]|'?[\w.])* )
    """,
    re.DOTALL | re.VERBOSE)
DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(?P<name>\w*)(?P<rest>(?:\\\n|[^\n])*)", re.MULTILINE)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?P<open>[<"])(?P<path>[^>"\n]+)[>"]', re.MULTILINE)
NOT_NEWLINE = re.compile(r"[^\n]")
PUNCTUATION = re.compile(r"[{}();\[\]]")
WORD_BEFORE = re.compile(r"(\w+)\s*\Z")
LAMBDA_TAIL = re.compile(r"\s*(?:(?:mutable|constexpr|consteval|static|noexcept(?:\s*\([^()]*\))?"
                         r"|\[\[[^\]]*\]\]|->[^;{]*)\s*)*\{")
KEYWORDS_BEFORE_LAMBDA = {"return", "co_return", "co_await", "co_yield", "throw", "case", "else", "do"}
OPENERS = {"(": ")", "[": "]", "{": "}", "<": ">"}


@dataclass(frozen=True)
class Literal:
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Include:
    start: int
    path: str
    quoted: bool


@dataclass(frozen=True)
class Function:
    """A function's body, from its brace to its brace; name is for people."""
    name: str
    start: int
    end: int


@dataclass(frozen=True)
class Lambda:
    start: int
    captures: str
    body_start: int
    body_end: int


class Unbalanced(Exception):
    """Braces or parentheses that do not match, at this offset."""

    def __init__(self, offset: int):
        super().__init__(offset)
        self.offset = offset


def blank(text: str) -> str:
    return NOT_NEWLINE.sub(" ", text)


class Cpp:
    """One C++ source, taken apart on demand."""

    def __init__(self, text: str):
        self.text = text
        self.comments: list[Literal] = []
        self.literals: list[Literal] = []
        self._line_starts = [0] + [match.end() for match in re.finditer("\n", text)]
        self._lex()

    def _lex(self) -> None:
        code, bare, last = [], [], 0  # bare: without comments, but with its literals
        for token in TOKEN.finditer(self.text):
            kind, content = token.lastgroup, token.group()
            if kind == "number":
                continue
            code.append(self.text[last:token.start()])
            bare.append(self.text[last:token.start()])
            last = token.end()
            if kind == "comment":
                self.comments.append(Literal(token.start(), token.end(), content))
                code.append(blank(content))
                bare.append(blank(content))
                continue
            if kind != "char":
                self.literals.append(Literal(token.start(), token.end(), token[f"{kind}_text"]))
            quote = "'" if kind == "char" else '"'
            code.append(quote + blank(content[1:-1]) + quote * (len(content) > 1))
            bare.append(content)
        code.append(self.text[last:])
        bare.append(self.text[last:])
        self.code = "".join(code)
        self.bare = "".join(bare)

    def line(self, offset: int) -> int:
        """The line of an offset, counted from 1."""
        return bisect.bisect_right(self._line_starts, offset)

    def offset(self, line: int) -> int:
        """Where a line, counted from 1, begins."""
        return self._line_starts[line - 1]

    def remarks(self, line: int) -> str:
        """The comments on a line, on the line above, and on lines of comment alone right above these."""
        texts = []
        at = line
        while at in self._comments_by_line or at == line:
            texts.append(self._comments_by_line.get(at, ""))
            if at < line and self.code[self.offset(at):self.offset(at + 1)].strip():
                break
            at -= 1
        return "\n".join(reversed(texts))

    @functools.cached_property
    def _comments_by_line(self) -> dict[int, str]:
        by_line: dict[int, str] = {}
        for comment in self.comments:
            for number, text in enumerate(comment.text.split("\n"), start=self.line(comment.start)):
                by_line[number] = by_line.get(number, "") + text
        return by_line

    @functools.cached_property
    def includes(self) -> list[Include]:
        # A raw string may hold lines that look like includes: there the code has no '#'.
        return [Include(match.start(), match["path"], match["open"] == '"')
                for match in INCLUDE.finditer(self.bare) if "#" in self.code[match.start():match.end()]]

    @functools.cached_property
    def structure(self) -> str:
        """The code without preprocessor lines, and with one branch only of an #if that cuts a block."""
        chars = list(DIRECTIVE.sub(lambda match: blank(match.group()), self.code))
        open_ifs: list[list] = []  # of [condition, offset, offset, …]: where the branches begin
        for directive in DIRECTIVE.finditer(self.code):
            name = directive["name"]
            if name in ("if", "ifdef", "ifndef"):
                open_ifs.append([directive["rest"].strip(), directive.end()])
            elif name in ("elif", "elifdef", "elifndef", "else") and open_ifs:
                open_ifs[-1].append(directive.end())
            elif name == "endif" and open_ifs:
                condition, *starts = open_ifs.pop()
                self._keep_one_branch(chars, condition, starts + [directive.start()])
        return "".join(chars)

    @staticmethod
    def _keep_one_branch(chars: list[str], condition: str, bounds: list[int]) -> None:
        branches = list(zip(bounds, bounds[1:]))
        if all(is_balanced("".join(chars[start:end])) for start, end in branches):
            return
        kept = 1 if condition == "0" and len(branches) > 1 else 0
        for index, (start, end) in enumerate(branches):
            if index != kept:
                chars[start:end] = blank("".join(chars[start:end]))

    @functools.cached_property
    def _partners(self) -> dict[int, int]:
        """Offset of each opening brace, parenthesis and bracket, to that of its partner."""
        partners, stack = {}, []
        for match in PUNCTUATION.finditer(self.structure):
            char = match.group()
            if char in "([{":
                stack.append(match.start())
            elif char != ";":
                if not stack or OPENERS[self.structure[stack[-1]]] != char:
                    raise Unbalanced(match.start())
                partners[stack.pop()] = match.start()
        if stack:
            raise Unbalanced(stack[-1])
        return partners

    @functools.cached_property
    def lambdas(self) -> list[Lambda]:
        """Every lambda expression, in the order of the text."""
        starts = (match.start() for match in re.finditer(r"\[", self.structure))
        return [found for start in starts if (found := self._lambda_at(start))]

    def _lambda_at(self, start: int) -> Lambda | None:
        text = self.structure
        before = text[max(0, start - 200):start].rstrip()
        if before[-1:] in (")", "]", "[") or text[start + 1] == "[":
            return None  # a subscript or an attribute
        word = WORD_BEFORE.search(before)
        if word and word[1] not in KEYWORDS_BEFORE_LAMBDA:
            return None
        end = self._partners[start]
        at = skip_space(text, end + 1)
        if text[at:at + 1] == "<":
            at = skip_space(text, skip_angles(text, at))
        if text[at:at + 1] == "(":
            at = self._partners[at] + 1
        tail = LAMBDA_TAIL.match(text, at)
        if not tail:
            return None
        body = tail.end() - 1
        return Lambda(start, text[start + 1:end].strip(), body, self._partners[body])

    def own_body(self, outer: Lambda) -> str:
        """What a lambda's body does itself: without the bodies of the lambdas in it."""
        body = self.structure[outer.body_start:outer.body_end]
        for inner in self.lambdas:
            if outer.body_start < inner.start < outer.body_end:
                start, end = inner.body_start - outer.body_start, inner.body_end - outer.body_start
                body = body[:start] + blank(body[start:end]) + body[end:]
        return body

    @functools.cached_property
    def functions(self) -> list[Function]:
        """The outermost functions, lambdas of namespace and class scope among them."""
        functions = list(self._functions())
        starts = [function.start for function in functions]
        for found in self.lambdas:
            at = bisect.bisect_right(starts, found.body_start) - 1
            if at < 0 or functions[at].end < found.body_start:
                functions.insert(at + 1, Function("a lambda", found.body_start, found.body_end))
                starts.insert(at + 1, found.body_start)
        return functions

    def _functions(self) -> Iterator[Function]:
        text, partners = self.structure, self._partners
        at, head = 0, ""
        while match := PUNCTUATION.search(text, at):
            char, start = match.group(), match.start()
            head += text[at:start]
            at = start + 1
            if char in "([":
                # Kept as one empty pair: what is inside belongs to parameters, arguments, attributes, bounds.
                head += char + OPENERS[char]
                at = partners[start] + 1
            elif char == "{":
                kind = kind_of_block(head)
                if kind == "function":
                    yield Function(function_name(head), start, partners[start])
                    head = ""
                elif kind == "scope":
                    head = ""
                    continue  # into the block
                at = partners[start] + 1
                if kind == "expression":
                    head += "{}"
            else:
                head = ""

    def in_function(self, offset: int) -> bool:
        at = bisect.bisect_right([function.start for function in self.functions], offset) - 1
        return at >= 0 and offset < self.functions[at].end


def is_balanced(text: str) -> bool:
    depth = 0
    for char in re.findall(r"[{}()]", text):
        depth += 1 if char in "{(" else -1
        if depth < 0:
            return False
    return depth == 0


def skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def skip_angles(text: str, at: int) -> int:
    """The offset after the > that closes the < at this offset; comparisons stand in parentheses there."""
    depth = parentheses = 0
    for match in re.finditer(r"->|[<>(){;]", text[at:]):
        char = match.group()
        if char in "()":
            parentheses += 1 if char == "(" else -1
        elif char in "{;":
            break
        elif char in "<>" and parentheses == 0:
            depth += 1 if char == "<" else -1
            if depth == 0:
                return at + match.end()
    return at + 1


def plain_head(head: str) -> str:
    """A head without what misleads: operators, labels, attributes, constraints, template arguments."""
    head = re.sub(r"\boperator\s*(?:\(\)|\[\]|[^\s\w(\[]+)", "operator_", head)
    head = re.sub(r"\b(?:public|private|protected)\s*:(?!:)", " ", head)
    head = re.sub(r"\[\]|\b(?:alignas|requires)\s*\(\)|(?:&&|\|\|)\s*!?\(\)", " ", head)
    head = head.replace("->", " returns ")
    previous = None
    while previous != head:
        previous, head = head, re.sub(r"<[^<>{}]*>", " ", head)
    return head


def kind_of_block(head: str) -> str:
    """What the brace after this head opens: scope (namespace, class), function, enum, or a braced expression.

    The head reaches back to the end of the statement before; each (…) in it is written as ().
    """
    if re.search(r"\brequires\s*\Z|(?:\brequires\s|&&|\|\||=|!)\s*requires\s*\(\)\s*\Z", head):
        return "expression"
    head = plain_head(head)
    if re.search(r"\bnamespace\b", head) or re.search(r'\bextern\s*"\s*"\s*\Z', head):
        return "scope"
    if re.search(r"(?<![=!<>])=(?!=)", head):
        return "expression"
    if "(" not in head:
        keyword = re.search(r"\b(?:class|struct|union|enum)\b", head)
        if not keyword:
            return "expression"
        return "enum" if keyword.group() == "enum" else "scope"
    # After the colon of a constructor's initialisers a name's brace initialises; the body's follows ) or }.
    if re.search(r"\)[^:]*(?<!:):(?!:)", head) and re.search(r"\w\s*\Z", head):
        return "expression"
    return "function"


def function_name(head: str) -> str:
    match = re.search(r"(operator\s*(?:\(\)|\[\]|[^\s\w(]+|[\w:]+)|~?[\w:~]+)\s*\(", head)
    return match[1] if match else "a function"
