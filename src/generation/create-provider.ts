import type { Config } from '#config/config.ts'
import type { ModelProvider } from './provider.ts'
import { TemplateProvider } from './template/template.ts'

/** The provider that the configuration names. The client of OpenAI is loaded where it is used: it takes a tenth of a start. */
export async function createProvider({ provider, ...settings }: Config['llm']): Promise<ModelProvider> {
  if (provider === 'template') return new TemplateProvider()
  const { OpenAIProvider } = await import('./openai.ts')
  return new OpenAIProvider(settings)
}
