// What all dashboards have in common: variables, links, annotations, and the grid that their panels are placed in.

import * as cog from '@grafana/grafana-foundation-sdk/cog';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { datasource } from './panels';

/** A panel and how much of the 24 columns it takes. */
export interface Placed {
  panel: cog.Builder<dashboard.Panel>;
  width: number;
}

/** Panels of one height, side by side, and as many lines of them as they need. */
export interface Row {
  title: string;
  height: number;
  panels: Placed[];
}

export interface BoardOptions {
  uid: string;
  title: string;
  description: string;
  rows: Row[];
  /** A choice of one channel. */
  channel?: boolean;
  from: string;
}

const queryVariable = (name: string, label: string, description: string, query: string) =>
  new dashboard.QueryVariableBuilder(name).label(label).description(description).datasource(datasource)
    .query({ qryType: 1, query, refId: 'PrometheusVariableQueryEditor-VariableQuery' }).definition(query)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged).sort(dashboard.VariableSort.AlphabeticalAsc);

export function board(o: BoardOptions): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(o.title)
    .uid(o.uid).description(o.description).tags(['one-api']).readonly()
    .timezone('browser').time({ from: o.from, to: 'now' }).refresh('30s').tooltip(dashboard.DashboardCursorSync.Crosshair)
    .timepicker(new dashboard.TimePickerBuilder().refreshIntervals(['10s', '30s', '1m', '5m']))
    .withVariable(new dashboard.DatasourceVariableBuilder('datasource').label('Prometheus').description('Where the figures are.').type('prometheus')
      .current({ selected: true, text: 'Prometheus', value: 'prometheus' }))
    // By the host's name, which people know, and then by service.instance.id, which only tells several on one host apart. All hosts
    // is also where a backend has no such label.
    .withVariable(queryVariable('host', 'Host', 'The hosts that relays run on (host.name).', 'label_values(relay_build_info, host_name)')
      .multi(true).includeAll(true).allValue('.*').current({ selected: true, text: ['All'], value: ['$__all'] }))
    .withVariable(queryVariable('instance', 'Relay', 'Relays, by service.instance.id.', 'label_values(relay_build_info{host_name=~"$host"}, instance)')
      .multi(true).includeAll(true).current({ selected: true, text: ['All'], value: ['$__all'] }));
  if (o.channel) {
    builder.withVariable(queryVariable('channel', 'Channel', 'The channel to look into.', 'label_values(relay_channel_in_flight{instance=~"$instance"}, relay_channel_name)'));
  }
  builder
    .link(new dashboard.DashboardLinkBuilder('Other dashboards').type(dashboard.DashboardLinkType.Dashboards).tags(['one-api'])
      .includeVars(true).keepTime(true))
    .annotation(marks('Alerts', 'red', 'ALERTS{alertstate="firing"}', '{{alertname}}', '{{relay_channel_name}} {{gen_ai_request_model}} {{host_name}} {{instance}}'))
    .annotation(marks('Configuration loaded', 'blue', 'changes(relay_config_last_success_seconds{instance=~"$instance"}[3m]) > 0', 'configuration loaded', '{{host_name}} {{instance}}'));
  let y = 0;
  let id = 0;
  for (const row of o.rows) {
    builder.withRow(new dashboard.RowBuilder(row.title).id(++id).gridPos({ h: 1, w: 24, x: 0, y: y++ }));
    let x = 0;
    for (const placed of row.panels) {
      if (x + placed.width > 24) {
        x = 0;
        y += row.height;
      }
      const at = { h: row.height, w: placed.width, x, y };
      const panel = { ...placed.panel.build(), id: ++id, gridPos: at };
      builder.withPanel({ build: () => panel });
      x += placed.width;
    }
    y += row.height;
  }
  return builder.build();
}

function marks(name: string, colour: string, expr: string, title: string, text: string): dashboard.AnnotationQueryBuilder {
  return new dashboard.AnnotationQueryBuilder().name(name).datasource(datasource).enable(true).iconColor(colour)
    .expr(expr).titleFormat(title).textFormat(text).step('60s')
    .target(new DataqueryBuilder().refId('Anno').datasource(datasource).expr(expr).range());
}

/** Places panels side by side with one width. */
export function each(width: number, ...panels: cog.Builder<dashboard.Panel>[]): Placed[] {
  return panels.map((panel) => ({ panel, width }));
}
