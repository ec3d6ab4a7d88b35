// The provider of the guides, without a server: a test hands `provider.fetch` over as global `fetch`.
import { testIssuer } from '@apisec/core/testing';

export const provider = testIssuer({
  issuer: 'https://id.example.com',
  audience: 'https://api.example.com',
});
export const issuer = provider.issuer;
export const audience = provider.audience;
