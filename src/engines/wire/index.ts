// Bytes of wires in general: reading, writing, cutting frames. No protocol, no I/O.
export { ByteReader, int32At, utf8 } from './byte-reader.ts'
export { ByteWriter } from './byte-writer.ts'
export { Feed, type FrameReader } from './feed.ts'
export {
  FrameCutter,
  type FrameLayout,
  lengthFrames,
  measureFrame,
  typedFrames,
} from './frame-cutter.ts'
