// Opens a health link, or reads a health card out of a QR code, with libraries that others wrote.
// Asked by JSON on standard input, answers by JSON on standard output.

import jsQR from "jsqr";
import { SHCReader, SHLViewer } from "kill-the-clipboard";

const bundles = (cards) => Promise.all(cards.map((card) => card.asBundle({ optimizeForQR: false })));

async function opened({ link, recipient, passcode, embeddedLengthMax }) {
  const viewer = new SHLViewer({ shlinkURI: link });
  const found = await viewer.resolveSHL({ recipient, passcode, embeddedLengthMax });
  return { resources: found.fhirResources, cards: await bundles(found.smartHealthCards ?? []) };
}

async function scanned({ side, pixels }) {
  const seen = jsQR(new Uint8ClampedArray(Buffer.from(pixels, "base64")), side, side);
  const card = await new SHCReader({}).fromQRNumeric(seen.data);
  return { text: seen.data, cards: await bundles([card]) };
}

let asked = "";
for await (const piece of process.stdin) asked += piece;
const { what, ...values } = JSON.parse(asked);
try {
  console.log(JSON.stringify(await { opened, scanned }[what](values)));
} catch (error) {
  console.log(JSON.stringify({ error: error.constructor.name, message: error.message }));
}
