// A round trip with @medplum/core; prints what it saw as JSON. Base and token come in the environment.

import { MedplumClient } from "@medplum/core";

const client = new MedplumClient({
  baseUrl: new URL("/", process.env.FHIR_BASE).href,
  fhirUrlPath: "fhir",
  accessToken: process.env.FHIR_TOKEN,
  cacheTime: 0,
});

const created = await client.createResource({ resourceType: "Patient", name: [{ family: "Medplum" }] });
const updated = await client.updateResource({ ...created, active: true });
const patched = await client.patchResource("Patient", created.id, [
  { op: "replace", path: "/active", value: false },
]);
const found = await client.searchResources("Patient", { family: "medplum" });
const history = await client.readHistory("Patient", created.id);
const full = "urn:uuid:0d5a3a2e-7d6c-4a1c-9d5f-3f1d8f0a2b10";
const batch = await client.executeBatch({
  resourceType: "Bundle",
  type: "transaction",
  entry: [
    {
      fullUrl: full,
      resource: { resourceType: "Patient", name: [{ family: "Linked" }] },
      request: { method: "POST", url: "Patient" },
    },
    {
      resource: {
        resourceType: "Observation",
        status: "final",
        code: { text: "Height" },
        subject: { reference: full },
        valueQuantity: { value: 170.5, unit: "cm" },
      },
      request: { method: "POST", url: "Observation" },
    },
  ],
});
const patient = batch.entry[0].response.location.split("/")[1];
let pages = 0;
for await (const page of client.searchResourcePages("Observation", { subject: `Patient/${patient}` })) pages += page.length;
await client.deleteResource("Patient", created.id);
const gone = await client.readResource("Patient", created.id).then(
  () => "still there",
  (error) => error.outcome.issue[0].code,
);

console.log(
  JSON.stringify({
    versions: [created, updated, patched].map((resource) => resource.meta.versionId),
    active: patched.active,
    found: found.map((resource) => resource.id === created.id),
    history: history.entry.length,
    batch: batch.entry.map((entry) => entry.response.status.slice(0, 3)),
    observations: pages,
    gone,
  }),
);
