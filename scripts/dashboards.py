"""What scripts/prove-monitoring reads of a dashboard of Grafana."""

import json
import re

TYPES = """
import type { Dashboard, GraphFieldConfig, VizLegendOptions, VizTooltipOptions } from '@grafana/schema';

// A value of an enum is its text in JSON.
export type Json<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
export type Board = Json<Dashboard>;
// What the type of a dashboard leaves open.
export type Custom = Json<GraphFieldConfig>;
export type Options = {
    legend?: Json<VizLegendOptions>;
    tooltip?: Json<VizTooltipOptions>;
    reduceOptions?: { calcs: string[]; fields: string; values: boolean };
    colorMode?: 'value';
    graphMode?: 'none';
};
export type Target = { refId: string; expr: string; legendFormat: string };
"""


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def expressions(dashboard):
    """(title, expression) of each query, with Grafana's variables replaced by what PromQL takes."""
    for panel in panels(dashboard):
        for target in panel.get("targets", []):
            expr = target["expr"]
            expr = expr.replace("$__rate_interval", "5m").replace("$__range", "1h").replace("$__interval", "1m")
            yield panel["title"], expr
    for variable in dashboard.get("templating", {}).get("list", []):
        if variable["type"] == "query":
            inside = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            yield f"variable {variable['name']}", f"count by ({inside[2]}) ({inside[1]})"


def as_typescript(dashboard):
    """The dashboard, and what each panel has in places without a type, as constants with types."""
    lines = ["import type { Board, Custom, Options, Target } from './types.js';"]
    lines.append(f"export const board: Board = {json.dumps(dashboard, indent=1)};")
    for panel in panels(dashboard):
        number = panel["id"]
        lines.append(f"export const custom{number}: Custom = {json.dumps(panel['fieldConfig']['defaults'].get('custom', {}))};")
        lines.append(f"export const options{number}: Options = {json.dumps(panel['options'])};")
        lines.append(f"export const targets{number}: Target[] = {json.dumps(panel['targets'])};")
    return "\n".join(lines) + "\n"
