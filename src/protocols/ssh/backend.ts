// What the channels of one connection stand on, once there is a session and its login at the host.
import type { Session } from '#gateway'
import type { SshSettings } from './settings.ts'
import type { UpstreamLogin } from './upstream.ts'

export interface Backend {
  readonly session: Session<SshSettings>
  readonly upstream: UpstreamLogin
  readonly login: string
}
