import type { Config } from '#config/config.ts'
import type { ClientParts } from './model/client.ts'
import type { ModelProvider } from './provider.ts'
import { TemplateProvider } from './template/template.ts'

/** The provider that the configuration names. The client for models is loaded only if it is used. */
export async function createProvider(
  { provider, ...settings }: Config['llm'],
  parts: ClientParts = {}
): Promise<ModelProvider> {
  if (provider === 'template') return new TemplateProvider()
  const { OpenAIProvider } = await import('./openai.ts')
  return new OpenAIProvider(settings, parts)
}
