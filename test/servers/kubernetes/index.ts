// A Kubernetes API server for the tests: it speaks the protocol as kubectl, helm and the client libraries expect it, keeps
// its objects in memory and remembers who asked for what. `controllers.ts` plays the rest of a cluster, here as in front
// of a real API server.
export { GATEWAY_TOKEN, type RunningCluster, startCluster } from './cluster.ts'
