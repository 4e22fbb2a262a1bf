// Credential plugins, apart from the protocols: a tool runs them at each start, and grammars take longer to load than all they do.
import { credentialPlugin } from './kubernetes/credential-plugin.ts'

export const credentialPlugins = [credentialPlugin]
