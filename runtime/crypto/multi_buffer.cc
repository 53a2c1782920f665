#include "runtime/crypto/multi_buffer.h"

#ifdef ARCTIC_HAS_MULTI_BUFFER
#include <intel-ipsec-mb.h>
#endif
#include <sodium.h>

#include <array>

#include "runtime/crypto/aead.h"
#include "runtime/crypto/keyed_cipher.h"
#include "runtime/crypto/libcrypto.h"

namespace arctic {

#ifdef ARCTIC_HAS_MULTI_BUFFER

namespace {

bool is_faster_and_right() {
  const auto one = MultiBuffer::make();
  if (!one || !one->has_avx512()) return false;
  const Key key(std::array<std::uint8_t, 32>{0x61, 0x72, 0x63, 0x74, 0x69, 0x63, 0xff, 0x80});
  return agrees_with_libcrypto(
      {key,
       [&](std::uint64_t counter, ByteView, ByteSpan text, std::uint8_t* tag) {
         one->seal(key, counter, text, tag);
       },
       [&](std::uint64_t counter, ByteView, ByteSpan text, const std::uint8_t* tag) {
         return one->open(key, counter, text, tag);
       }},
      0);
}

thread_local std::unique_ptr<MultiBuffer> own_of_thread;

}  // namespace

void FreeMultiBuffer::operator()(IMB_MGR* manager) const { free_mb_mgr(manager); }

std::unique_ptr<MultiBuffer> MultiBuffer::make() {
  IMB_MGR* const manager = alloc_mb_mgr(0);
  must(manager != nullptr);
  std::unique_ptr<MultiBuffer> made(new MultiBuffer(manager));
  init_mb_mgr_auto(manager, nullptr);
  const bool tested = (manager->features & IMB_FEATURE_SELF_TEST_PASS) != 0;
  // What was built without SAFE_DATA leaves keys on its stack.
  const bool clean = (manager->features & IMB_FEATURE_SAFE_DATA) != 0;
  if (!tested || !clean) return nullptr;
  return made;
}

bool MultiBuffer::has_avx512() const {
  return (manager_->features & IMB_FEATURE_AVX512_SKX) == IMB_FEATURE_AVX512_SKX;
}

bool MultiBuffer::is_used() {
  static const bool kUse = is_faster_and_right();
  return kUse;
}

MultiBuffer* MultiBuffer::of_thread() {
  if (is_used() && !own_of_thread) own_of_thread = make();
  return own_of_thread.get();
}

void MultiBuffer::run(const Key& key, std::uint64_t counter, ByteSpan text, std::uint8_t* tag,
                      bool seal) {
  const AeadNonce nonce = aead_nonce(counter);
  IMB_MGR* const manager = manager_.get();
  IMB_JOB* job = IMB_GET_NEXT_JOB(manager);
  job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
  job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
  job->cipher_direction = seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
  job->chain_order = seal ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
  job->enc_keys = key.view().data();
  job->dec_keys = key.view().data();
  job->key_len_in_bytes = key.view().size();
  job->iv = nonce.data();
  job->iv_len_in_bytes = nonce.size();
  job->src = text.data();
  job->dst = text.data();
  job->cipher_start_src_offset_in_bytes = 0;
  job->msg_len_to_cipher_in_bytes = text.size();
  job->hash_start_src_offset_in_bytes = 0;
  job->msg_len_to_hash_in_bytes = text.size();
  job->u.CHACHA20_POLY1305.aad = nullptr;
  job->u.CHACHA20_POLY1305.aad_len_in_bytes = 0;
  job->u.CHACHA20_POLY1305.ctx = nullptr;
  job->auth_tag_output = tag;
  job->auth_tag_output_len_in_bytes = kTagBytes;
  // This cipher is done when submit returns; the manager never keeps a job of it.
  job = IMB_SUBMIT_JOB_NOCHECK(manager);
  must(job != nullptr && job->status == IMB_STATUS_COMPLETED);
}

void MultiBuffer::seal(const Key& key, std::uint64_t counter, ByteSpan text, std::uint8_t* tag) {
  run(key, counter, text, tag, /*seal=*/true);
}

bool MultiBuffer::open(const Key& key, std::uint64_t counter, ByteSpan text,
                       const std::uint8_t* tag) {
  std::array<std::uint8_t, kTagBytes> expected;
  run(key, counter, text, expected.data(), /*seal=*/false);
  return sodium_memcmp(expected.data(), tag, kTagBytes) == 0;
}

#else

void FreeMultiBuffer::operator()(IMB_MGR*) const {}
std::unique_ptr<MultiBuffer> MultiBuffer::make() { return nullptr; }
MultiBuffer* MultiBuffer::of_thread() { return nullptr; }
bool MultiBuffer::is_used() { return false; }
bool MultiBuffer::has_avx512() const { return false; }
void MultiBuffer::seal(const Key&, std::uint64_t, ByteSpan, std::uint8_t*) { std::abort(); }
bool MultiBuffer::open(const Key&, std::uint64_t, ByteSpan, const std::uint8_t*) { std::abort(); }

#endif

}  // namespace arctic
