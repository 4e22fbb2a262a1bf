// The registry: one line per protocol.
import type { Protocol } from '#gateway'
import { createHttp } from './http/index.ts'
import { createKubernetes } from './kubernetes/index.ts'
import { createMysql } from './mysql/index.ts'
import { createPostgres } from './postgres/index.ts'
import { createSsh } from './ssh/index.ts'

export const protocols: readonly Protocol[] = [
  createPostgres(),
  createSsh(),
  createHttp(),
  createMysql(),
  createKubernetes(),
]
