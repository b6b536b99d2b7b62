import AnthropicBedrock from '@anthropic-ai/bedrock-sdk';

const client = new AnthropicBedrock({
  // Autentique fornecendo as chaves abaixo ou use os provedores de credenciais AWS padrão, como
  // usando ~/.aws/credentials ou as variáveis de ambiente "AWS_SECRET_ACCESS_KEY" e "AWS_ACCESS_KEY_ID".
  awsAccessKey: '<access key>',
  awsSecretKey: '<secret key>',

  // Credenciais temporárias podem ser usadas com awsSessionToken.
  // Leia mais em https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html.
  awsSessionToken: '<session_token>',

  // awsRegion muda a região aws para a qual a solicitação é feita. Por padrão, lemos AWS_REGION,
  // e se isso não estiver presente, usamos como padrão us-east-1. Observe que não lemos ~/.aws/config para a região.
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
