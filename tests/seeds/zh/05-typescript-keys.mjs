import AnthropicBedrock from '@anthropic-ai/bedrock-sdk';

const client = new AnthropicBedrock({
  // 通过提供以下密钥进行身份验证，或使用默认的 AWS 凭证提供程序，例如
  // 使用 ~/.aws/credentials 或 "AWS_SECRET_ACCESS_KEY" 和 "AWS_ACCESS_KEY_ID" 环境变量。
  awsAccessKey: '<access key>',
  awsSecretKey: '<secret key>',

  // 临时凭证可以与 awsSessionToken 一起使用。
  // 在 https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html 了解更多信息。
  awsSessionToken: '<session_token>',

  // awsRegion 更改发起请求的 AWS 区域。默认情况下，我们读取 AWS_REGION，
  // 如果不存在，我们默认为 us-east-1。请注意，我们不读取 ~/.aws/config 中的区域。
  awsRegion: 'us-west-2',
});

async function main() {
  const message = await client.messages.create({
    model: 'global.anthropic.claude-sonnet-4-5-20250929-v1:0',
    max_tokens: 256,
    messages: [{"role": "user", "content": "Hello, world"}]
  });
  console.log(message);
}
main().catch(console.error);
