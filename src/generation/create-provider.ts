import type { Config } from '../config.ts'
import { OpenAIProvider } from './openai.ts'
import type { ModelProvider } from './provider.ts'
import { TemplateProvider } from './template/template.ts'

/** The provider that the configuration names. */
export function createProvider({ provider, ...settings }: Config['llm']): ModelProvider {
  return provider === 'openai' ? new OpenAIProvider(settings) : new TemplateProvider()
}
