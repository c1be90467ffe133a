// Draws the OpenAPI document of the page with Swagger UI, in the colours that the reader prefers.

const place = document.querySelector("#api");
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);

follow();
dark.addEventListener("change", follow);
SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  validatorUrl: null, // nothing is asked of another site
  persistAuthorization: false, // a token stays in this page
  docExpansion: "list",
  defaultModelsExpandDepth: -1,
  tryItOutEnabled: true,
  syntaxHighlight: { activated: true },
});

document.querySelector("#type").addEventListener("change", (event) => event.target.form.submit());
