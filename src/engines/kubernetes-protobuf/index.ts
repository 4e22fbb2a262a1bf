// Bodies of requests that a Kubernetes client wrote as protobuf, as the JSON that they mean.
export { jsonOfProtobuf, PROTOBUF } from './decode.ts'
