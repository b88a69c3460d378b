"""What scripts/prove-monitoring reads of an expression of PromQL, by its tokens."""

import re

TOKEN = re.compile(
    r"""(?P<string>"[^"]*")|(?P<window>\[\w+\])|(?P<name>[a-zA-Z_:][\w:]*)|(?P<number>\d+(\.\d+)?)"""
    r"""|(?P<op>=~|!~|!=|==|>=|<=|[-+*/<>=(){},])"""
)
WORDS = {"by", "without", "on", "ignoring", "and", "or", "unless", "bool", "offset", "group_left", "group_right"}
LISTS = ("by", "without", "on", "ignoring", "group_left", "group_right")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def tokens(expr):
    """(kind, text, start) of each token; `kind` is also `metric`, `label` or `function` for a name."""
    found = [(match.lastgroup, match[0], match.start()) for match in TOKEN.finditer(expr)]
    found = [(next(k for k in ("string", "window", "name", "number", "op") if m.group(k)), m[0], m.start()) for m in TOKEN.finditer(expr)]
    out, braces, lists, depth = [], 0, None, 0
    for at, (kind, text, start) in enumerate(found):
        following = found[at + 1][1] if at + 1 < len(found) else ""
        if text == "{":
            braces += 1
        elif text == "}":
            braces -= 1
        elif text == "(":
            depth += 1
            if at and found[at - 1][1] in LISTS:
                lists = depth
        elif text == ")":
            lists = None if lists == depth else lists
            depth -= 1
        elif kind == "name":
            if braces or lists:
                kind = "label"
            elif text in WORDS:
                kind = "word"
            elif following == "(" or following in ("by", "without"):
                kind = "function"
            else:
                kind = "metric"
        out.append((kind, text, start))
    return out


def metrics(expr):
    return {text for kind, text, _ in tokens(expr) if kind == "metric"}


def selectors(expr):
    """(metric, [(label, operator, value)]) for each selector."""
    out, found = [], tokens(expr)
    for at, (kind, text, _) in enumerate(found):
        if kind != "metric":
            continue
        matchers = []
        if at + 1 < len(found) and found[at + 1][1] == "{":
            inside = found[at + 2 : next(i for i in range(at, len(found)) if found[i][1] == "}")]
            for one in range(0, len(inside), 4):
                matchers.append((inside[one][1], inside[one + 1][1], inside[one + 2][1].strip('"')))
        out.append((text, matchers))
    return out


def grouping(expr):
    """Labels that the expression groups or joins by."""
    inside = re.findall(rf"\b(?:{'|'.join(LISTS)})\s*\(([^)]*)\)", expr)
    return {label.strip() for labels in inside for label in labels.split(",") if label.strip()}


def matchers(expr):
    return [(label, value) for _, found in selectors(expr) for label, _, value in found]


def other_durations(text):
    """Half as long and twice as long."""
    number, unit = int(text[:-1]), text[-1]
    return [f"{int(number * UNITS[unit] * factor)}s" for factor in (0.5, 2)]


def other_delays(text):
    """No delay, and twice as long."""
    return ["10m"] if text == "0s" else ["0s", other_durations(text)[1]]


def mutations(expr):
    """(kind, what, changed expression), for each threshold, window, matcher, grouping label and operator."""
    found = tokens(expr)
    for at, (kind, text, start) in enumerate(found):
        before, after = expr[:start], expr[start + len(text) :]

        def change(other):
            return kind, f"{text} -> {other}, at {start}", before + other + after

        if kind == "number":
            number = float(text)
            if before.endswith("vector("):
                continue
            if number == 0:
                yield change("1" if "==" in before else "2")
            elif "changes(" in before:
                yield from (change(str(int(number) + step)) for step in (-1, 1))
            elif 0.9 < number < 1:
                # A share: what is left of it counts.
                for factor in (1.2, 1 / 1.2):
                    yield change(f"{1 - (1 - number) * factor:.6f}")
            else:
                for factor in (1.2, 1 / 1.2):
                    yield change(f"{number * factor:.6g}")
        elif kind == "window":
            for other in other_durations(text[1:-1]):
                yield change(f"[{other}]")
        elif text in (">", "<", ">=", "<=", "==", "!="):
            yield change({">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "!=", "!=": "=="}[text])
        elif kind == "word" and text in ("and", "or"):
            yield change({"and": "or", "or": "and"}[text])
        elif kind == "string":
            yield change('"mutant"')
        elif kind == "metric" and "ratio_rate" in text:
            window = "5m" if not text.endswith("rate5m") else "6h"
            yield change(re.sub(r"ratio_rate\w+", f"ratio_rate{window}", text))
    yield from without_matchers(expr)
    for match in re.finditer(r"\b(by|without) \(([^)]*)\)", expr):
        labels = match[2].split(", ")
        for label in labels:
            rest = ", ".join(one for one in labels if one != label)
            yield "grouping", f"{match[0]} without {label}, at {match.start()}", f"{expr[: match.start(2)]}{rest}{expr[match.end(2) :]}"


def without_matchers(expr):
    """Without each matcher, everywhere between two `or`: of two operands, the labels of one select those of the other."""
    parts = re.split(r"(\bor\b)", expr)
    for at, part in enumerate(parts):
        for matcher in dict.fromkeys(re.findall(r'\w+(?:=~|!~|!=|=)"[^"]*"', part)):
            changed = part.replace(matcher, "").replace("{,", "{").replace(",,", ",").replace(",}", "}")
            yield "matcher", f"without {matcher}", "".join([*parts[:at], changed, *parts[at + 1 :]])
