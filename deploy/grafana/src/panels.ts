// How panels look: one place for colours, units, legends and thresholds, so that all dashboards read alike.

import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

export const datasource: common.DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

/** Where thresholds begin, lowest first; below the first one all is well. */
export type Limits = [number, string][];

export const levels: Limits = [[2000, 'yellow'], [5001, 'orange'], [10001, 'red']]; // goroutines; the seeds' levels
export const shares: Limits = [[0.01, 'yellow'], [0.05, 'red']]; // of failures
export const anyIsBad: Limits = [[1, 'red']];

/** One query and what its series are called. */
export interface Query {
  expr: string;
  legend: string;
}

/** What every panel says: what it shows, and what to do about it. */
export interface Text {
  title: string;
  description: string;
}

export interface SeriesOptions extends Text {
  queries: Query[];
  unit: string;
  limits?: Limits;
  /** Bands in the limits' colours behind the lines. */
  bands?: boolean;
  stacked?: boolean;
  /** null: it may be negative. */
  min?: number | null;
  max?: number;
  decimals?: number;
  /** Said where there is nothing. */
  noValue?: string;
  /** Colours by the name of the series, as regular expressions. */
  colours?: [string, string][];
  /** Clicking a series leads to its channel. */
  toChannel?: boolean;
  /** Single calls as points, each with a link to its trace: of histograms. */
  exemplars?: boolean;
}

function thresholds(limits: Limits, base = 'green'): dashboard.ThresholdsConfigBuilder {
  const steps: dashboard.Threshold[] = [{ value: null, color: base }, ...limits.map(([value, color]) => ({ value, color }))];
  return new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(steps);
}

function refId(i: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + i);
}

const fixed = (colour: string): dashboard.DynamicConfigValue[] => [{ id: 'color', value: { mode: 'fixed', fixedColor: colour } }];

/** The drill-down of the channel that was clicked, in the same time and of the same relays. */
export function channelLink(value: string): dashboard.DashboardLinkBuilder {
  return new dashboard.DashboardLinkBuilder('Look into this channel')
    .type(dashboard.DashboardLinkType.Link)
    .url(`/d/one-api-channel?var-channel=${value}&\${datasource:queryparam}&\${instance:queryparam}&\${__url_time_range}`);
}

/** Lines over time. */
export function series(o: SeriesOptions): TimeseriesBuilder {
  const panel = new TimeseriesBuilder()
    .title(o.title).description(o.description).datasource(datasource)
    .unit(o.unit)
    .lineWidth(1).fillOpacity(o.stacked ? 40 : 8).showPoints(common.VisibilityMode.Never)
    .spanNulls(180_000) // a missing export is no outage, three are
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.PaletteClassicByName))
    .thresholds(thresholds(o.limits ?? []))
    .legend(new common.VizLegendOptionsBuilder().showLegend(true).displayMode(common.LegendDisplayMode.Table)
      .placement(common.LegendPlacement.Bottom).calcs(['lastNotNull', 'max']).sortBy('Max').sortDesc(true))
    .tooltip(new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending));
  if (o.min !== null) panel.min(o.min ?? 0);
  if (o.max !== undefined) panel.max(o.max);
  if (o.decimals !== undefined) panel.decimals(o.decimals);
  if (o.noValue !== undefined) panel.noValue(o.noValue);
  if (o.stacked) panel.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'));
  if (o.limits) {
    const style = o.bands ? common.GraphThresholdsStyleMode.LineAndArea : common.GraphThresholdsStyleMode.Dashed;
    panel.thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(style));
  }
  for (const [name, colour] of o.colours ?? []) panel.overrideByRegexp(name, fixed(colour));
  if (o.toChannel) panel.dataLinks([channelLink('${__field.labels.relay_channel_name}')]);
  o.queries.forEach((q, i) => {
    const target = new DataqueryBuilder().refId(refId(i)).datasource(datasource).expr(q.expr).legendFormat(q.legend).range();
    // Those of one query are those of all: they come from the same series.
    panel.withTarget(o.exemplars && i === 0 ? target.exemplar(true) : target);
  });
  return panel;
}

/** The quantiles that people ask for, of one histogram. */
export function quantiles(expr: (q: number) => string, of = ''): Query[] {
  return [[0.5, 'p50'], [0.95, 'p95'], [0.99, 'p99']].map(([q, name]) => ({ expr: expr(q as number), legend: `${name}${of}` }));
}

export interface StatOptions extends Text {
  expr: string;
  unit: string;
  limits?: Limits;
  /** The colour below the first limit, where little is bad. */
  base?: string;
  legend?: string;
  decimals?: number;
  mappings?: dashboard.ValueMapping[];
  noValue?: string;
}

/** One figure of now, green as long as all is well. */
export function stat(o: StatOptions): StatBuilder {
  const panel = new StatBuilder()
    .title(o.title).description(o.description).datasource(datasource)
    .unit(o.unit).thresholds(thresholds(o.limits ?? [], o.base))
    .colorScheme(new dashboard.FieldColorBuilder().mode(dashboard.FieldColorModeId.Thresholds))
    .colorMode(o.limits ? common.BigValueColorMode.Background : common.BigValueColorMode.None)
    .graphMode(common.BigValueGraphMode.None).textMode(common.BigValueTextMode.Auto)
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false))
    .withTarget(new DataqueryBuilder().refId('A').datasource(datasource).expr(o.expr).legendFormat(o.legend ?? '__auto').instant());
  if (o.decimals !== undefined) panel.decimals(o.decimals);
  if (o.mappings) panel.mappings(o.mappings);
  if (o.noValue !== undefined) panel.noValue(o.noValue);
  return panel;
}

/** Texts for a channel's state, as queries.channelState() codes it. */
export const stateNames: dashboard.ValueMapping[] = [{
  type: dashboard.MappingType.ValueToText,
  options: {
    0: { text: 'healthy', color: 'green', index: 0 },
    1: { text: 'degraded', color: 'yellow', index: 1 },
    2: { text: 'cooling', color: 'orange', index: 2 },
    3: { text: 'disabled', color: 'red', index: 3 },
  },
}];

/** A column of a table: a query whose result has one value a row. */
export interface Column {
  name: string;
  expr: string;
  unit: string;
  limits?: Limits;
  decimals?: number;
  mappings?: dashboard.ValueMapping[];
}

export interface TableOptions extends Text {
  /** The label that makes a row, and what the column is called. */
  key: { label: string; name: string };
  columns: Column[];
  sortBy: string;
  toChannel?: boolean;
  noValue?: string;
}

/** One row for each value of a label. The queries may have no other label. */
export function table(o: TableOptions): TableBuilder {
  const value = (i: number) => (o.columns.length > 1 ? `Value #${refId(i)}` : 'Value');
  const names: Record<string, string> = { [o.key.label]: o.key.name };
  const order: Record<string, number> = { [o.key.label]: 0 };
  o.columns.forEach((c, i) => {
    names[value(i)] = c.name;
    order[value(i)] = i + 1;
  });
  const panel = new TableBuilder()
    .title(o.title).description(o.description).datasource(datasource)
    .showHeader(true).cellHeight(common.TableCellHeight.Sm).filterable(false).noValue(o.noValue ?? '–')
    .thresholds(thresholds([]))
    .sortBy([new common.TableSortByFieldStateBuilder().displayName(o.sortBy).desc(true)])
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({ id: 'organize', options: { excludeByName: { Time: true }, renameByName: names, indexByName: order } });
  o.columns.forEach((c, i) => {
    panel.withTarget(new DataqueryBuilder().refId(refId(i)).datasource(datasource).expr(c.expr).format(PromQueryFormat.Table).instant());
    const properties: dashboard.DynamicConfigValue[] = [{ id: 'unit', value: c.unit }];
    if (c.decimals !== undefined) properties.push({ id: 'decimals', value: c.decimals });
    if (c.mappings) properties.push({ id: 'mappings', value: c.mappings });
    if (c.limits || c.mappings) {
      const cell: common.TableColoredBackgroundCellOptions = { type: common.TableCellDisplayMode.ColorBackground, mode: common.TableCellBackgroundDisplayMode.Basic };
      properties.push({ id: 'thresholds', value: thresholds(c.limits ?? []).build() }, { id: 'custom.cellOptions', value: cell });
    }
    panel.overrideByName(c.name, properties);
  });
  if (o.toChannel) panel.overrideByName(o.key.name, [{ id: 'links', value: [channelLink('${__value.text}').build()] }]);
  return panel;
}
