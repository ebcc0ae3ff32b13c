import type {
  Dashboard,
  DataQuery,
  FieldConfig,
  GraphFieldConfig,
  Panel,
  RowPanel,
  SingleStatBaseOptions,
  VizLegendOptions,
  VizTooltipOptions
} from '@grafana/schema'

/** A dashboard of Grafana as the JSON of a file, by the types that Grafana makes of its schema; of panels those that ours has. */
export type DashboardFile = Omit<Json<Dashboard>, 'panels'> & {
  panels: (
    | Json<RowPanel>
    | PanelOf<'stat', SingleStatBaseOptions, object>
    | PanelOf<'timeseries', { legend: VizLegendOptions; tooltip: VizTooltipOptions }, GraphFieldConfig>
  )[]
}

type PanelOf<Type extends string, Options, Custom> = Omit<
  Json<Panel>,
  'type' | 'options' | 'fieldConfig' | 'targets' | 'title' | 'gridPos'
> &
  Required<Pick<Json<Panel>, 'title' | 'gridPos'>> & {
    type: Type
    options?: Json<Partial<Options>>
    // What is no axis has no unit either.
    fieldConfig: {
      defaults: Json<Omit<FieldConfig, 'custom'>> & { unit: string; custom?: Json<Custom> }
      overrides: []
    }
    targets: (Omit<DataQuery, 'datasource'> & { expr: string; legendFormat: string })[]
  }

/** JSON has the values of an enum in place of its names. */
type Json<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends number
      ? `${T}` extends `${infer Value extends number}`
        ? Value
        : never
      : T extends object
        ? { [Key in keyof T]: Json<T[Key]> }
        : T
