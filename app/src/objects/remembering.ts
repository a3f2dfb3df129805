/** Passes the stream on and keeps the error that it failed with, but not one that its reader throws into it. */
export async function* remembering(
  source: AsyncIterable<Uint8Array>,
  failure: { error?: unknown },
): AsyncGenerator<Uint8Array> {
  let reading = true;
  try {
    for await (const chunk of source) {
      reading = false;
      yield chunk;
      reading = true;
    }
  } catch (error) {
    if (reading) failure.error = error;
    throw error;
  }
}
