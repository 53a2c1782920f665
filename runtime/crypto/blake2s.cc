#include "runtime/crypto/blake2s.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <memory>

#include "runtime/crypto/libcrypto.h"

namespace arctic {
namespace {

constexpr std::size_t kBlockBytes = 64;  // of BLAKE2s, for HMAC

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

/// Fetched once: asking for an algorithm by name costs more than hashing a block.
const EVP_MD* algorithm() {
  static EVP_MD* const kAlgorithm = EVP_MD_fetch(nullptr, "BLAKE2S-256", nullptr);
  must(kAlgorithm != nullptr);
  return kAlgorithm;
}

EVP_MD_CTX* digest_context() {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
  must(context != nullptr);
  return context.get();
}

}  // namespace

Digest blake2s(std::initializer_list<ByteView> parts) {
  EVP_MD_CTX* const context = digest_context();
  must(EVP_DigestInit_ex2(context, algorithm(), nullptr) == 1);
  for (const ByteView part : parts) {
    must(EVP_DigestUpdate(context, part.data(), part.size()) == 1);
  }
  Digest out;
  must(EVP_DigestFinal_ex(context, out.data(), nullptr) == 1);
  return out;
}

Mac blake2s_mac(ByteView key, std::initializer_list<ByteView> parts) {
  static EVP_MAC* const kAlgorithm = EVP_MAC_fetch(nullptr, "BLAKE2SMAC", nullptr);
  thread_local const std::unique_ptr<EVP_MAC_CTX, FreeMac> context(EVP_MAC_CTX_new(kAlgorithm));
  must(context != nullptr);
  std::size_t size = Mac{}.size();
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size),
                               OSSL_PARAM_construct_end()};
  must(EVP_MAC_init(context.get(), key.data(), key.size(), params) == 1);
  for (const ByteView part : parts) {
    must(EVP_MAC_update(context.get(), part.data(), part.size()) == 1);
  }
  Mac out;
  must(EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1 && size == out.size());
  return out;
}

Digest hmac(ByteView key, std::initializer_list<ByteView> parts) {
  Secret<kBlockBytes> inner;
  if (key.size() > kBlockBytes) {
    const Digest shorter = blake2s({key});
    std::copy(shorter.begin(), shorter.end(), inner.bytes().begin());
  } else {
    std::copy(key.begin(), key.end(), inner.bytes().begin());
  }
  Secret<kBlockBytes> outer = inner.clone();
  for (std::uint8_t& byte : inner.bytes()) byte ^= 0x36;
  for (std::uint8_t& byte : outer.bytes()) byte ^= 0x5c;

  EVP_MD_CTX* const context = digest_context();
  must(EVP_DigestInit_ex2(context, algorithm(), nullptr) == 1);
  must(EVP_DigestUpdate(context, inner.bytes().data(), kBlockBytes) == 1);
  for (const ByteView part : parts) {
    must(EVP_DigestUpdate(context, part.data(), part.size()) == 1);
  }
  Digest within;
  must(EVP_DigestFinal_ex(context, within.data(), nullptr) == 1);
  const Digest out = blake2s({outer.view(), within});
  wipe(within.data(), within.size());
  return out;
}

void hkdf(ByteView chaining_key, ByteView input, std::initializer_list<Key*> outputs) {
  Digest temporary = hmac(chaining_key, {input});
  Digest previous{};
  std::size_t previous_bytes = 0;
  std::uint8_t number = 0;
  for (Key* const output : outputs) {
    ++number;
    previous = hmac(temporary, {ByteView(previous.data(), previous_bytes), {&number, 1}});
    previous_bytes = previous.size();
    std::copy(previous.begin(), previous.end(), output->bytes().begin());
  }
  wipe(temporary.data(), temporary.size());
  wipe(previous.data(), previous.size());
}

bool equal_constant_time(ByteView a, ByteView b) {
  return sodium_memcmp(a.data(), b.data(), b.size()) == 0;
}

void fill_random(ByteSpan out) { randombytes_buf(out.data(), out.size()); }

}  // namespace arctic
