import { specs as courseSpecs, tags as courseTags } from '#courses/cache-specs.ts'
import { specs as generationSpecs, tags as generationTags } from '#generation/cache-specs.ts'
import { specs as learningSpecs, tags as learningTags } from '#learning/cache-specs.ts'
import { specs as statisticsSpecs } from '#statistics/cache-specs.ts'
import { specs as userSpecs, tags as userTags } from '#users/cache-specs.ts'

/** Everything that is cached, and all tags. */
export const specs = { ...courseSpecs, ...userSpecs, ...learningSpecs, ...generationSpecs, ...statisticsSpecs }
export const tags = { ...courseTags, ...userTags, ...learningTags, ...generationTags }
