"""The commands of a generated docs/runbook.md."""

import re


def blocks(repository):
    """(heading, commands) of each block of "Start here", whose first has the functions, and of the alerts."""
    text = (repository / "docs/runbook.md").read_text()
    for part in ("Start here", "Alerts"):
        body = re.search(rf"^## {part}\n(.*?)^## ", text, re.M | re.S)[1]
        for section in f"{part}\n{body}".split("\n### "):
            for commands in re.findall(r"^```sh\n(.*?)\n```$", section, re.M | re.S):
                yield section.split("\n", 1)[0], commands
