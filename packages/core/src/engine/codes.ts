/*
 * Every code that apisec itself gives. Codes are part of the public contract: a new one
 * is a minor version, a changed or removed one a major version. Your own policies add their own.
 */
const meanings = {
  // engine
  'policy.threw': 'A policy threw or rejected. The call is denied; the cause is in the trace.',
  'policy.invalid_outcome': 'A policy answered something that is no outcome.',
  'policy.fact_conflict': 'A policy added a fact that is already there.',
  'policy.no_grant':
    'Every policy passed, but none of them is a grant, so nobody admitted the call.',
  'policy.not_applicable': 'No alternative applied to this call.',
  'guard.incomplete':
    'A part of what enforces the guard was replaced, so nobody decided the call or saw its body.',
  'operation.unlisted': 'The operation is not listed in the coverage table.',
  'message.unavailable': 'A policy must see the request body, and none was parsed.',
  'message.malformed':
    'The request body is not well-formed JSON, or a message is not one of its gRPC method.',
  'message.too_large': 'The request body is larger than allowed.',
  'message.unsupported': 'The request body has a charset or coding that is not read here.',
  'message.type_unsupported':
    'The request body is of a media type that is not read here, or says none.',
  'deadline.malformed': 'The deadline of a gRPC call cannot be read.',
  'release.unfilterable':
    'A policy must see the response, and it was sent in a form that cannot be filtered.',
  'handler.threw': 'The handler threw. The cause went to onError.',
  'handler.invalid_response': 'The handler answered something that cannot be sent as a response.',
  'call.target_unclear':
    'The request target has no path that every router finds; send one that begins with a slash.',
  'call.unattested': 'The adapter could not say who calls what; one of its callbacks threw.',
  // http surface
  'cors.preflight': 'A preflight, answered with what the origin may do.',
  'cors.origin_refused': 'The origin of the calling script is not allowed.',
  'cors.method_refused': 'The preflight asks for a method that is not allowed.',
  'cors.header_refused': 'The preflight asks for a request header that is not allowed.',
  'csrf.cross_origin': 'A browser sent a state-changing call on behalf of another origin.',
  // calls to others
  'egress.url_malformed':
    'The URL to call cannot be parsed, or is one that software reads in two ways.',
  'egress.url_credentials': 'The URL to call holds a user name or password.',
  'egress.scheme_not_allowed': 'The URL to call has a scheme that is not allowed.',
  'egress.port_not_allowed': 'The URL to call has a port that is not allowed.',
  'egress.host_not_allowed': 'The host to call is not in the list, or is denied by it.',
  'egress.host_local': 'The host to call is a local name, or one of a metadata service.',
  'egress.address_not_allowed':
    'The host to call is, or resolves to, an address that is not public.',
  // access tokens
  'credentials.missing': 'The operation needs credentials, and none were sent.',
  'credentials.malformed': 'The credentials are not well formed.',
  'credentials.repeated': 'Credentials were sent more than once.',
  'token.too_large': 'The token is longer than allowed.',
  'token.malformed': 'The token is not in the one canonical form of a signed JWT.',
  'token.type_refused': 'The token is of another kind than an access token.',
  'token.algorithm_refused': 'The token is signed with an algorithm that is not allowed.',
  'token.issuer_unknown': 'The token was issued by somebody who is not trusted.',
  'token.audience_mismatch': 'The token was issued for another API.',
  'token.claim_missing': 'The token lacks a claim that is required.',
  'token.claim_invalid': 'A claim of the token has the wrong type or an impossible value.',
  'token.expired': 'The token has expired.',
  'token.not_yet_valid': 'The token begins to be valid, or was issued, in the future.',
  'token.key_unknown': 'No usable key of the issuer fits the token.',
  'token.signature_invalid': 'The signature of the token is not valid.',
  'token.unconfirmed': 'The token is bound to a key, and nobody proved to hold it.',
  'keys.unavailable': 'The keys of the issuer cannot be had at the moment.',
  // introspection
  'token.inactive': 'The issuer says that the token is not active.',
  'introspection.unavailable': 'The issuer cannot be asked about tokens at the moment.',
  'introspection.overloaded': 'As many unknown tokens are being asked about as may.',
  // revocation
  'token.revoked': 'The credential was revoked before its time.',
  'revocation.unavailable': 'Whether the credential was revoked cannot be told at the moment.',
  // refresh tokens
  'refresh.invalid': 'What was asked for cannot be issued.',
  'refresh.scope_exceeded': 'More scopes were asked for than were granted.',
  'refresh.malformed': 'The refresh token is not well formed.',
  'refresh.unknown': 'The refresh token was never issued, or has been gone for long.',
  'refresh.expired': 'The refresh token has expired.',
  'refresh.revoked': 'The refresh token was revoked, with all that came of its grant.',
  'refresh.reused': 'The refresh token was used before, so all that came of its grant has ended.',
  'refresh.superseded': 'The refresh token was used a moment ago.',
  'refresh.client_mismatch': 'The refresh token belongs to another client.',
  'refresh.key_mismatch': 'The refresh token is bound to another key.',
  'refresh.unavailable': 'The store of refresh tokens did not answer.',
  // proofs of possession
  'dpop.missing': 'The token is bound to a DPoP key, and the call has no proof.',
  'dpop.repeated': 'The call has more than one DPoP proof.',
  'dpop.malformed': 'The proof is too long, or not in the one canonical form of a signed JWT.',
  'dpop.type_refused': 'The proof is a JWT of another kind.',
  'dpop.algorithm_refused': 'The proof is signed with an algorithm that is not allowed.',
  'dpop.key_refused':
    'The key in the proof is missing, private, weak or does not fit its algorithm.',
  'dpop.claim_missing': 'The proof lacks jti, htm, htu, iat or ath.',
  'dpop.claim_invalid': 'A claim of the proof has the wrong type or is too long.',
  'dpop.method_mismatch': 'The proof was made for another method.',
  'dpop.target_mismatch': 'The proof was made for another URI.',
  'dpop.expired': 'The proof is older than the window.',
  'dpop.not_yet_valid': 'The proof was made in the future.',
  'dpop.nonce_missing': 'The proof must contain a nonce of this server.',
  'dpop.nonce_refused': 'The nonce in the proof is too old, or not from this server.',
  'dpop.token_mismatch': 'The proof was made for another access token.',
  'dpop.key_mismatch': 'The token is bound to another key than the one of the proof.',
  'dpop.signature_invalid': 'The signature of the proof is not valid.',
  'dpop.replayed': 'The proof was used before.',
  'dpop.token_unbound': 'The operation needs a token that is bound to a DPoP key.',
  'dpop.scheme_refused': 'A token that is bound to a DPoP key was sent as Bearer.',
  'dpop.unavailable': 'The store of used proofs, or the source of nonces, did not answer.',
  // API keys
  'api_key.malformed': 'The API key is not well formed: a character is wrong, missing or too many.',
  'api_key.wrong_environment': 'The API key belongs to another environment (test for live).',
  'api_key.unknown': 'The API key was never issued, or its secret is wrong.',
  'api_key.disabled': 'The API key is disabled, and may be enabled again.',
  'api_key.revoked': 'The API key was revoked for good.',
  'api_key.expired': 'The API key has expired.',
  'api_key.rotated': 'The API key was replaced, and the overlap has ended.',
  'api_key.peer_not_allowed': 'The API key may not be used from this address.',
  'api_key.quota_exceeded': 'A quota of the API key is used up.',
  'api_key.store_unavailable': 'The store of API keys did not answer.',
  'credentials.multiple': 'The call has an API key and an Authorization header.',
  // signed requests
  'signature.malformed': 'The headers of the signature, or what it covers, are not well formed.',
  'signature.too_large': 'The headers of the signature are longer, or hold more, than allowed.',
  'signature.ambiguous': 'Several signatures could be meant, and none of them is named.',
  'signature.component_unsupported': 'The signature covers something that cannot be rebuilt here.',
  'signature.component_uncovered': 'The signature leaves out something that it must cover.',
  'signature.component_missing': 'The signature covers something that the call lacks.',
  'signature.expired': 'The signature is too old.',
  'signature.not_yet_valid': 'The signature was made in the future.',
  'signature.nonce_missing': 'The signature has no nonce, so it could be sent again.',
  'signature.key_unknown': 'The key of the signature is not known.',
  'signature.algorithm_refused': 'The signature names another algorithm than that of its key.',
  'signature.invalid': 'The signature was not made by its key over this call.',
  'signature.digest_unreadable': 'The Content-Digest is not well formed, or has no SHA-2 digest.',
  'signature.digest_mismatch': 'The body is not the one whose digest was signed.',
  'signature.body_uncovered': 'The call has a body, and signatures of this operation cover none.',
  'signature.replayed': 'The nonce of the signature was used before.',
  'signature.unavailable': 'The keys or the replay store for signatures did not answer.',
  // client certificates
  'certificate.missing': 'The call needs a client certificate, and none was shown or supplied.',
  'certificate.mismatch': 'The token is bound to another certificate than the one shown.',
  'certificate.token_unbound': 'The operation needs a token that is bound to a certificate.',
  'certificate.unreadable': 'The host does not read certificates, or cannot read this one.',
  'certificate.expired': 'The certificate has expired, perhaps while its connection lasted.',
  'certificate.not_yet_valid': 'The certificate begins to be valid in the future.',
  'certificate.identity_missing': 'The certificate has no well-formed name of the kind asked for.',
  'certificate.identity_ambiguous': 'The certificate has several names that could be its holder.',
  'certificate.identity_refused': 'The name in the certificate is not known, or not trusted.',
  'authentication.insufficient': 'The user must sign in again, or in a stronger way.',
  // second factor
  'totp.malformed': 'The code does not have the digits or letters of a code.',
  'totp.invalid': 'The code is not one of the account, now.',
  'totp.reused': 'The code was used before.',
  'totp.not_enrolled': 'The account has no second factor, or has not confirmed it.',
  'totp.already_enrolled': 'The account has a second factor already.',
  'totp.account_invalid':
    'The account or its label is no printable text of at most 256 characters.',
  'totp.locked': 'There were too many wrong codes. A code can be right after retryAfter.',
  'totp.unavailable': 'The store of second factors did not answer, or a secret cannot be opened.',
  // passwords
  'password.malformed': 'The password is no text, or holds control characters.',
  'password.too_short': 'The password has fewer characters than required.',
  'password.too_long': 'The password has more characters than allowed.',
  'password.repetitive': 'The password repeats a few characters.',
  'password.contextual': 'Without the names of service and account little is left of the password.',
  'password.common': 'The password is on the list of common ones.',
  'password.breached': 'The password is on the list of breached ones.',
  'password.wrong': 'The password is wrong, or the account does not exist.',
  'password.unavailable': 'A list of passwords or the hasher did not answer, or too many asked.',
  // grants
  'principal.missing': 'The operation needs an identified caller, and nobody was identified.',
  'permission.insufficient': 'The roles of the caller do not hold a permission that is needed.',
  'roles.unavailable': 'The store of roles did not answer, or not with roles.',
  'roles.tenant_unknown': 'Roles are counted by tenant, and the call names none.',
  'role.insufficient': 'The caller has none of the roles that the operation needs.',
  'scope.insufficient': 'The credential lacks a scope that the operation needs.',
  // limits
  'limit.exceeded': 'A limit is used up. The call can succeed after retryAfter.',
  'limit.concurrency': 'As many calls of this caller are running as may.',
  'limit.cost_too_high': 'The call costs more than a limit ever allows at once.',
  'limit.key_missing': 'A limit could not tell whom to count, so the call is denied.',
  'limit.cost_invalid': 'A cost function answered something that is no cost.',
  'limit.invalid': 'A limit function answered something that is no limit.',
  'limit.unavailable': 'The store that counts limits did not answer.',
  // abuse
  'failures.throttled': 'Too many attempts of this account or peer failed. Wait for retryAfter.',
  'failures.account_missing': 'The call does not say which account it is an attempt on.',
  'failures.repeated':
    'A call that can make one attempt sent several messages, or runs several fields.',
  'failures.key_missing': 'Nobody knows which peer to count failures of, so the call is denied.',
  'failures.unavailable': 'The store that counts failures did not answer.',
  'peer.denied': 'The address of the caller is on a list of those that are denied.',
  'peer.unknown': 'Nobody knows the address of the caller, and it is needed to decide.',
  'enumeration.detected': 'The caller asked for more different objects than anybody needs.',
  'enumeration.key_missing': 'Nobody knows whose objects to count, so the call is denied.',
  'human.missing': 'The call needs the token of a solved challenge, and none was sent.',
  'human.denied': 'The token of the challenge is not valid, or was solved for another page.',
  'human.replayed': 'The token of the challenge was used before.',
  'human.repeated': 'One solved challenge is for one operation, and the call runs several.',
  'human.unavailable': 'The verifier of challenges, or its replay store, did not answer.',
  'step.missing': 'The call follows another one in its flow, and has no token of it.',
  'step.denied': 'The token is of another step, flow or caller, or was not signed here.',
  'step.expired': 'The step before was taken too long ago.',
  'step.replayed': 'The token of the step before was used before.',
  'step.repeated': 'One step taken is for one operation, and the call runs several.',
  'step.unavailable': 'The store of used step tokens did not answer.',
  // audit
  'audit.unavailable': 'The call must be recorded, and cannot be at the moment.',
  'load.shed': 'The server has more to do than it can. The call can succeed after retryAfter.',
} as const;

/** A built-in code. */
export type BuiltinCode = keyof typeof meanings;

/** Each built-in code with its meaning. */
export const codes: Readonly<Record<BuiltinCode, string>> = Object.freeze(meanings);

/** A built-in code, or one of your own in the form `area.problem`. */
export type DenialCode = BuiltinCode | (string & Record<never, never>);
