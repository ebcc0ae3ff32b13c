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

/**
 * The JSON of a Grafana dashboard, by the types that Grafana generates from its schema, with the kinds of panels that
 * we use.
 */
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
    // `unit` is required: a panel without one shows bare numbers.
    fieldConfig: {
      defaults: Json<Omit<FieldConfig, 'custom'>> & { unit: string; custom?: Json<Custom> }
      overrides: []
    }
    targets: (Omit<DataQuery, 'datasource'> & { expr: string; legendFormat: string })[]
  }

/** In JSON, enums are replaced by their values. */
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
