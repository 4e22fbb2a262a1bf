// Where each route stands. `:id` is a path parameter, as fastify writes it.
export const API_BASE = '/api'

export const paths = {
  openapi: '/api/openapi.json',
  whoami: '/api/whoami',
  resources: '/api/resources',
  credentials: '/api/credentials',
  credential: '/api/credentials/:id',
  requests: '/api/requests',
  request: '/api/requests/:id',
  approve: '/api/requests/:id/approve',
  deny: '/api/requests/:id/deny',
  grants: '/api/grants',
  grant: '/api/grants/:id',
  sessions: '/api/sessions',
  session: '/api/sessions/:id',
  recording: '/api/sessions/:id/recording',
  watch: '/api/sessions/:id/watch',
  endSession: '/api/sessions/:id/end',
  now: '/api/now',
  principals: '/api/principals',
  /** Ids and names of runs are anybody's: they stand in the query, where no slash or dot means anything. */
  principal: '/api/principal',
  runs: '/api/runs',
  run: '/api/run',
  endRun: '/api/run/end',
  why: '/api/policy/why',
  events: '/api/events',
  audit: '/api/audit',
  auditTail: '/api/audit/tail',
  auditLog: '/api/audit/log',
  auditHeads: '/api/audit/log/heads',
  /** The layout of C2SP tlog-tiles begins behind `/api/audit/log/`. */
  auditCheckpoint: '/api/audit/log/checkpoint',
  auditTile: '/api/audit/log/tile/:level/*',
  tunnel: '/api/connect/:resource',
  home: '/',
  signIn: '/auth/sign-in',
  callback: '/auth/callback',
  signOut: '/auth/sign-out',
  /** The page where a person types a program's code, and answers. */
  device: '/auth/device',
  /** Programs: ask for a code, and take the token once a person said yes. */
  deviceCode: '/auth/device/code',
  deviceToken: '/auth/device/token',
  /** One's own sign-in, for programs. */
  signIns: '/api/sign-in',
  ready: '/readyz',
  healthy: '/healthz',
  metrics: '/metrics',
} as const
