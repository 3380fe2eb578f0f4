/**
 * Binary frames: `BV01`, a little-endian uint32 length of the header, the header as JSON, and buffers at multiples of 8.
 * The typed arrays lie over the message itself: nothing is copied or parsed number by number.
 */

const MAGIC = 0x31305642; // "BV01", read as a little-endian number

const ARRAYS = {
  f8: Float64Array,
  f4: Float32Array,
  i8: BigInt64Array,
  u8: BigUint64Array,
  i4: Int32Array,
  u4: Uint32Array,
  i2: Int16Array,
  u2: Uint16Array,
  i1: Int8Array,
  u1: Uint8Array,
  b1: Uint8Array,
};

const decoder = new TextDecoder();

/**
 * Lays typed arrays over a frame.
 *
 * @param {ArrayBuffer} frame a binary message as it came.
 * @returns {{header: object, buffers: {dtype: string, shape: number[], data: ArrayLike<number>}[]}}
 * @throws {Error} the bytes are no frame, are cut short, or hold numbers of a kind that browsers have no array for.
 */
export function decodeFrame(frame) {
  const view = new DataView(frame);
  if (frame.byteLength < 8 || view.getUint32(0, true) !== MAGIC) {
    throw new Error(`Expected a frame that begins with "BV01", got ${frame.byteLength} bytes of something else.`);
  }
  let at = 8 + view.getUint32(4, true);
  if (at > frame.byteLength) {
    throw new Error(`The frame is cut short: its header ends at ${at}, it has ${frame.byteLength} bytes.`);
  }
  const { buffers: described, ...header } = JSON.parse(decoder.decode(new Uint8Array(frame, 8, at - 8)));
  const buffers = described.map(([dtype, shape]) => {
    const kind = dtype.slice(1);
    const Numbers = ARRAYS[kind];
    if (!Numbers && kind !== "f2") throw new Error(`A buffer of ${dtype} cannot be read here: send float32 or float64.`);
    const count = shape.reduce((product, extent) => product * extent, 1);
    const size = count * (Numbers ? Numbers.BYTES_PER_ELEMENT : 2);
    if (at + size > frame.byteLength) {
      throw new Error(`The frame is cut short: a buffer ends at ${at + size}, it has ${frame.byteLength} bytes.`);
    }
    const data = Numbers ? new Numbers(frame, at, count) : halves(new Uint16Array(frame, at, count));
    at += size + ((8 - (size % 8)) % 8);
    return { dtype, shape, data: data instanceof BigInt64Array || data instanceof BigUint64Array ? floats(data) : data };
  });
  return { header, buffers };
}

/** 64-bit integers as floats: exact to 2^53, and every chart wants plain numbers. This one copies. */
function floats(whole) {
  return Float64Array.from(whole, Number);
}

/** Half-precision numbers, which not every browser has an array for. */
function halves(bits) {
  return Float32Array.from(bits, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
}
