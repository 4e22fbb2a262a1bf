// Upstream credentials, leased and wiped.
export { openLocalKey } from './local-key.ts'
export { createVault, type Lease, type Vault } from './vault.ts'
